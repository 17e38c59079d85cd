#!/usr/bin/env bash
# Installs filmatlas into a prefix of its own and builds and runs each consumer project against it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source_dir="$(cd "$here/../.." && pwd)"
build="$source_dir/build/consume"
prefix="$build/prefix"
mkdir -p "$build"

cmake -S "$source_dir" -B "$build/library" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
  -DFILMATLAS_TESTS=OFF -DFILMATLAS_EXAMPLES=OFF >/dev/null
cmake --build "$build/library"
rm -rf "$prefix" "$build/moved"
cmake --install "$build/library" >/dev/null
mv "$prefix" "$build/moved"   # an installed tree may be moved
prefix="$build/moved"

passed=0
for name in find_package header_only; do
  cmake -S "$here/$name" -B "$build/$name" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$build/$name"
  "$build/$name/consumer"
  passed=$((passed + 1))
done

cmake -S "$here/add_subdirectory" -B "$build/add_subdirectory" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DFILMATLAS_SOURCE="$source_dir" >/dev/null
cmake --build "$build/add_subdirectory" --target consumer
"$build/add_subdirectory/consumer"
passed=$((passed + 1))

# pkg-config: the file's prefix is the one given at configuration, so it is told where the tree went.
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig:$(echo "$prefix"/lib/*/pkgconfig)"
mkdir -p "$build/pkg_config"
# shellcheck disable=SC2046
g++ -std=c++20 -O1 "$here/pkg_config/main.cpp" -o "$build/pkg_config/consumer" \
  $(pkg-config --define-variable=prefix="$prefix" --static --cflags --libs filmatlas)
"$build/pkg_config/consumer"
passed=$((passed + 1))

echo "consumers: $passed passed, 0 failed"
