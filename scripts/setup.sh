#!/usr/bin/env bash
# Sets up a machine for filmatlas: system packages (Debian/Ubuntu, as root or with sudo) and a private virtual
# environment in .venv. Sourced by demo.sh and test.sh; safe to run again.
#   scripts/setup.sh run     what the library, the module and the command line need
#   scripts/setup.sh test    that, and what the tests need (clang, doctest, Chromium, Node.js, pytest, pandas, ...)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what="${1:-run}"

packages=(g++ cmake ninja-build pkg-config git ca-certificates libeigen3-dev libnanoflann-dev libfmt-dev
          nlohmann-json3-dev zlib1g-dev)
[ "$what" = test ] && packages+=(clang doctest-dev libicu-dev libstemmer-dev nodejs npm chromium)
if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip, sysconfig, os; assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null; then
  packages+=(python3 python3-venv python3-dev)
fi

missing=()
for package in "${packages[@]}"; do
  # A tool that came another way (Node.js from its own build, say) serves as well.
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
  esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "== installing: ${missing[*]}"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ ! -x .venv/bin/python ]; then
  echo "== making .venv"
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --upgrade pip
fi
