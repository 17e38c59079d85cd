#!/usr/bin/env bash
# From a fresh machine to all tests passed. Every part prints its runner's own summary; the first failure stops.
#   FILMATLAS_TEST_PARTS="cpp asan clang consume wheel python web"   chooses parts; all by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts="${FILMATLAS_TEST_PARTS:-cpp asan clang consume wheel python web}"
wants() { [[ " $parts " == *" $1 "* ]]; }
section() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

bash scripts/setup.sh test
.venv/bin/python -m pip install --quiet -r tests/python/requirements.txt
python_exe="$PWD/.venv/bin/python"

if wants cpp || wants python || wants web; then
  section "building the library, its tests, the examples and the Python module"
  cmake --preset release -DFILMATLAS_WERROR=ON -DPython_EXECUTABLE="$python_exe" -DPYTHON_EXECUTABLE="$python_exe" \
    -Dpybind11_DIR="$("$python_exe" -m pybind11 --cmakedir)" >/dev/null
  cmake --build --preset release
fi
if wants cpp; then
  section "C++ tests"
  ctest --preset release
fi
if wants asan; then
  section "C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer"
  cmake --preset asan -DFILMATLAS_WERROR=ON >/dev/null
  cmake --build --preset asan
  ctest --preset asan
fi
if wants clang; then
  section "the library by clang, warnings as errors, and the tests of what is written by hand in vectors"
  cmake --preset clang -DFILMATLAS_WERROR=ON >/dev/null
  cmake --build --preset clang --target filmatlas test_core test_linalg test_validate
  ctest --preset clang -R '^(core|linalg|validate)$'
fi
if wants consume; then
  section "programs of strangers: find_package, add_subdirectory, header-only, pkg-config"
  bash tests/consume/run.sh
fi
if wants wheel; then
  section "the wheel in an environment of its own"
  bash tests/consume/wheel.sh
fi
if wants python; then
  section "Python tests"
  PYTHONPATH="$PWD/build/release/python" "$python_exe" -m pytest tests/python -q
fi
if wants web; then
  section "the page: types, bundle, and a real browser"
  (cd web && npm ci --silent --no-audit --no-fund && npm run --silent check && npm run --silent build)
  git diff --exit-code --stat -- web/dist || { echo "web/dist is not what web/src builds: run 'npm run build' and commit it"; exit 1; }
  PYTHONPATH="$PWD/build/release/python" "$python_exe" -m pytest tests/browser -q
  (cd web && npm test --silent)
fi
section "all parts passed: $parts"
