#!/usr/bin/env bash
# One command: the whole stack up and a first alert delivered. `./setup.sh --help` says the rest.
# All of the work is in deploy/native/; this only finds (or, as root, installs) a Python for it.
set -euo pipefail

project=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# Prints the first Python of at least 3.11; the distribution's own comes before any other.
find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

install_python() {
  command -v apt-get >/dev/null || fail 'Python 3.11 or newer is needed, and there is no apt-get to install it with.'
  [ "$(id -u)" = 0 ] || fail 'Python 3.11 or newer is needed: run as root once, or apt-get install python3 python3-venv.'
  printf 'Installing Python from the distribution ...\n'
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install python3 python3-venv >/dev/null
}

if ! python=$(find_python); then
  install_python
  python=$(find_python) || fail 'This distribution has no Python 3.11 or newer: install one and run again.'
fi

export PYTHONPATH="$project/deploy"
exec "$python" -B -m native --project "$project" "$@"
