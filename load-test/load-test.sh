#!/usr/bin/env bash
# Posts logs to a running stack and checks that none is lost. `load-test/load-test.sh --help`.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
project=$(dirname -- "$here")

# The Python of the checkout, of the native stack, or whichever has what is needed.
find_python() {
  local candidate
  for candidate in "${TOCSIN_PYTHON:-}" "$project/.venv/bin/python" python3; do
    if [ -n "$candidate" ] && "$candidate" -c 'import confluent_kafka, alert_contracts' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

if ! python=$(find_python); then
  printf '%s\n' 'No Python with confluent-kafka and alert-contracts: run "just sync" first, or set TOCSIN_PYTHON.' >&2
  exit 2
fi

export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m loadtest "$@"
