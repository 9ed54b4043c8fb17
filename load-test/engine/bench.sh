#!/usr/bin/env bash
# The rule engine's benchmarks: `load-test/engine/bench.sh --help`.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
project=${here%/load-test/engine}

python=${TOCSIN_PYTHON:-$project/.venv/bin/python}
if ! [ -x "$python" ]; then
  printf '%s\n' 'No Python with the services: run "just sync" first, or set TOCSIN_PYTHON.' >&2
  exit 2
fi
for package in load-test deploy shared/alert-contracts/src shared/rule-language/src shared/service-runtime/src; do
  PYTHONPATH=$project/$package${PYTHONPATH:+:$PYTHONPATH}
done
export PYTHONPATH
exec "$python" -m engine "$@"
