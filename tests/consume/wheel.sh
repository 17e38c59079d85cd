#!/usr/bin/env bash
# Builds the wheel, installs it alone into a fresh environment, and uses it as a stranger would: command line,
# import, headers for C++.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source_dir="$(cd "$here/../.." && pwd)"
build="$source_dir/build/wheel-test"
rm -rf "$build"
mkdir -p "$build"
python="$source_dir/.venv/bin/python"
"$python" -m pip wheel --quiet --no-deps -w "$build" "$source_dir"
python3 -m venv "$build/venv"
"$build/venv/bin/python" -m pip install --quiet "$build"/filmatlas-*.whl
cd "$build"   # not beside the sources

cat > catalogue.jsonl <<'ROWS'
{"id": "a", "title": "One", "plot": "a samurai defends a village with his sword"}
{"id": "b", "title": "Two", "plot": "a samurai without a master finds a village and a sword"}
{"id": "c", "title": "Three", "plot": "a robot and a planet far out in space"}
{"id": "d", "title": "Four", "plot": "a space ship lands on a planet of robots"}
ROWS
venv/bin/filmatlas build catalogue.jsonl --out a.fatlas --html a.html --quiet
venv/bin/filmatlas report a.fatlas >/dev/null
venv/bin/python - <<'CODE'
import filmatlas as fa
atlas = fa.Atlas.load("a.fatlas")
assert atlas.report().ok
assert atlas.neighbors("a", k=1)[0].id == "b", atlas.neighbors("a", k=1)
assert "</html>" in open("a.html", encoding="utf-8").read()
CODE

# A C++ project finds the headers in the wheel.
cmake -S "$here/header_only" -B headers -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -Dfilmatlas_DIR="$(venv/bin/python -c 'import filmatlas; print(filmatlas.get_cmake_dir())')" >/dev/null
cmake --build headers
headers/consumer
echo "wheel: 4 passed, 0 failed"
