#!/usr/bin/env bash
# One command: every check and every test, on real Kafka, Redis and Postgres. --help says the rest.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
Usage: ./test.sh [--quick] [--docker] [--faults-full]

  (nothing)   lint, types, imports, unit and contract tests, then the whole stack natively:
              black-box tests, faults, the alert flow, dashboards, a short load test
  --quick     only what needs no servers
  --docker    besides, the contract suites in containers and the black-box tests over Docker Compose
  --faults-full
              each fault of the rule engine alone, with three seeds, at 20 000 events/s: two hours

State, logs and caches: .tocsin/test. The stack under test has ports of its own (27xxx), so a
running stack is left alone. Exit code: 0 when everything passed.
TEXT
}

quick=false docker=false
for argument in "$@"; do
  case "$argument" in
    --quick) quick=true ;;
    --docker) docker=true ;;
    --faults-full) export TOCSIN_FAULT_SEEDS=3 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

logs=$PWD/.tocsin/test/log
mkdir -p "$logs"
passed=0 failed=() started=$SECONDS
beside=() beside_pids=() beside_lanes=()

# step NAME COMMAND...: run it with its output in a log; show the log's end when it fails.
step() {
  local name=$1 status=0 begun=$SECONDS
  shift
  printf '%-58s' "$name"
  # A shell of its own, since `set -e` is off in whatever an `if` or `||` asks.
  bash -euo pipefail -c '"$@"' step "$@" >"$(log_of "$name")" 2>&1 </dev/null || status=$?
  report "$name" "$status" "$begun"
}

# aside LANE NAME COMMAND...: run it beside the steps, one at a time in each lane; `joined [LANE]`
# waits for those of a lane, or for all, and reports them. Each is a process group of its own.
aside() {
  local lane=$1 name=$2
  shift 2
  # shellcheck disable=SC2016 # it is the inner shell that expands
  setsid flock -o "$logs/$lane.lock" bash -euo pipefail -c \
    'trap "echo \$SECONDS >\"$0\"" EXIT; "$@"' "$(log_of "$name").seconds" "$@" \
    >"$(log_of "$name")" 2>&1 </dev/null &
  beside+=("$name") beside_pids+=($!) beside_lanes+=("$lane")
}

joined() {
  local lane=${1:-} index status took every=0
  for index in "${!beside[@]}"; do
    [ "${lane:-${beside_lanes[index]}}" = "${beside_lanes[index]}" ] || continue
    printf '%-58s' "${beside[index]}"
    status=0
    wait "${beside_pids[index]}" || status=$?
    took=$(cat "$(log_of "${beside[index]}").seconds" || echo 0)
    report "${beside[index]}" "$status" $((SECONDS - took)) || every=1
    unset "beside[index]" "beside_pids[index]" "beside_lanes[index]"
  done
  return $every
}

log_of() {
  echo "$logs/$(tr -cs 'a-z0-9\n' - <<<"${1,,}").log"
}

report() { # NAME STATUS BEGUN
  local log
  log=$(log_of "$1")
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
    printf ' ok   %4d s  %s\n' $((SECONDS - $3)) "$(summary_of "$log")"
  else
    failed+=("$1")
    printf ' FAILED %2d s\n' $((SECONDS - $3))
    tail -n 60 "$log" | sed 's/^/    /'
    printf '    (all of it: %s)\n' "$log"
    return 1
  fi
}

# The closing line of pytest, when there is one.
summary_of() {
  grep -Eo '[0-9]+ passed.*' "$1" | tail -n 1 | sed 's/ in .*//; s/=//g' || true
}

finish() {
  local status=$? pid
  for pid in "${beside_pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  wait "${beside_pids[@]}" 2>/dev/null || true
  stop_stack
  if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFailed: %s\n' "$(IFS=,; echo "${failed[*]}")"
    status=1
  fi
  printf '\n%d passed, %d failed\n' "$passed" ${#failed[@]}
  printf 'Took %d min %d s.\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- tools ---------------------------------------------------------------------------------------

install_tools() {
  local uv=.tocsin/test/uv/bin/uv python
  for python in /usr/bin/python3 python3; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
  done
  if [ ! -x "$uv" ]; then
    "$python" -m venv .tocsin/test/uv || install_venv "$python"
    .tocsin/test/uv/bin/pip install -q uv==0.13.8
  fi
  [ -x .venv/bin/python ] || "$uv" venv -q --python "$python" .venv
  VIRTUAL_ENV=$PWD/.venv "$uv" pip sync -q --require-hashes requirements/dev.txt
  PATH=$PWD/.venv/bin:$PATH .venv/bin/just sync
}

install_venv() { # Debian keeps venv in a package of its own
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install python3-venv
  rm -rf .tocsin/test/uv
  "$1" -m venv .tocsin/test/uv
}
export -f install_tools install_venv

# ---- checks without servers ----------------------------------------------------------------------

unit_tests() { # domains and handlers: every branch
  coverage erase
  coverage run -m pytest -q -m "not docker" --hypothesis-profile=repeatable \
    --deselect=integration-tests/simulation/
  coverage report --skip-covered --precision=1
  coverage report --fail-under=100 --show-missing --skip-covered \
    --include='*/domain/*,*/handlers.py,*/handlers/*,*/rule_language/*'
}

images_are_enough() { # each service starts to import with its own lock and nothing else
  local service package place
  for service in api-gateway alert-rule-engine alert-manager notification-service; do
    package=${service//-/_}
    place=.tocsin/test/env-$service
    [ -x "$place/bin/python" ] || uv venv -q --python .venv/bin/python "$place"
    VIRTUAL_ENV=$PWD/$place uv pip sync -q --require-hashes "requirements/$service.txt"
    VIRTUAL_ENV=$PWD/$place uv pip install -q --no-deps -e shared/alert-contracts \
      -e shared/rule-language -e shared/service-runtime -e "services/$service"
    "$place/bin/python" -c "import $package.app"
    echo "$service: imports with its own lock"
  done
}

export -f unit_tests images_are_enough

# ---- the stack -----------------------------------------------------------------------------------

export TOCSIN_STATE=${TOCSIN_STATE:-$PWD/.tocsin/test/stack}
export TOCSIN_KAFKA_PORT=27092 TOCSIN_KAFKA_CONTROLLER_PORT=27093 TOCSIN_REDIS_PORT=27379
export TOCSIN_POSTGRES_PORT=27432 TOCSIN_PROMETHEUS_PORT=27090 TOCSIN_GRAFANA_PORT=27300
export TOCSIN_GATEWAY_PORT=27080 TOCSIN_ENGINE_PORT=27081 TOCSIN_ALERT_MANAGER_PORT=27082
export TOCSIN_NOTIFICATION_PORT=27083 TOCSIN_EVALUATE_PORT=27084
export TOCSIN_SINK_PORT=27190 TOCSIN_SINK_SMTP_PORT=27125
running=

stop_stack() {
  [ -n "$running" ] || return 0
  ./setup.sh down -v "$running" >"$logs/down.log" 2>&1 || tail -n 5 "$logs/down.log"
  running=
}

# What has to do with rules takes its time, in real windows; the others need not wait for it. What
# needs no stack has steps of its own, and would take the processor from windows that are real.
black_box() {
  local status=0 rules lifetimes
  pytest -q integration-tests/test_rule*.py \
    --deselect=integration-tests/test_rule_lifetimes.py >"$logs/rules.log" 2>&1 &
  rules=$!
  pytest -q integration-tests/test_rule_lifetimes.py >"$logs/lifetimes.log" 2>&1 &
  lifetimes=$!
  pytest -q integration-tests --ignore=integration-tests/faults \
    --ignore=integration-tests/oracle --ignore=integration-tests/simulation \
    --ignore-glob='*/test_rule*.py' || status=$?
  wait "$rules" || status=$?
  wait "$lifetimes" || status=$?
  cat "$logs/rules.log" "$logs/lifetimes.log"
  return $status
}

# The dashboards' expressions, asked of the Prometheus that scrapes the stack.
panels() {
  PROMETHEUS_URL=http://127.0.0.1:$TOCSIN_PROMETHEUS_PORT \
    GATEWAY_URL=http://127.0.0.1:$TOCSIN_GATEWAY_PORT pytest -q grafana/tests/live
}

load_test() {
  load-test/load-test.sh --rate 1000 --duration 15 --batch-size 100
}

pipeline_faults() {
  pytest -q integration-tests/faults --ignore=integration-tests/faults/engine
}

# Apart from the unit tests, since whoever counts lines makes it three times as slow.
simulation() {
  pytest -q integration-tests/simulation
}

# Brings its own Kafka and workers; prints seeds and times of recovery.
engine_faults() {
  pytest -q -s integration-tests/faults/engine
}

# The engine and a Kafka Streams app say the same alerts as a plain count does; figures are no matter.
engine_beside_peer() {
  load-test/engine/bench.sh compare --pairs 0 --rules 10 --sides tocsin,tuned --events 60000 \
    --warm-up 24000 --pool 20000 --port 27592 --logs .tocsin/test/engine-bench
}

export logs
export -f black_box panels load_test pipeline_faults simulation engine_faults engine_beside_peer

over_the_stack() { # --native or --docker
  running=$1
  step "Stack up ($1), first alert delivered" ./setup.sh up "$1" || return 1
  step "Black-box tests ($1)" black_box || true
  aside looks "Dashboards: every panel has data ($1)" panels
  step "Alert flow ($1)" integration-tests/test-alert-flow.sh || true
  joined looks || true
  step "Load test: nothing lost ($1)" load_test || true
}

# ---- all of it -----------------------------------------------------------------------------------

step "Tools, locked" install_tools
export VIRTUAL_ENV=$PWD/.venv PATH=$PWD/.venv/bin:$PATH
step "Format and lint" just lint || true
step "Imports: who may know whom" just imports || true
aside servers "Types" just types
aside servers "Each service imports with its own lock" images_are_enough
aside cpu "Unit and contract tests, fakes; branches of decisions" unit_tests
aside servers "Simulation of the engine, and what an oracle says" simulation
if ! $quick; then
  aside servers "Contract tests, real servers (native)" \
    env TOCSIN_TEST_BACKING=native pytest -q -m docker
  aside servers "Faults of the engine, and what an oracle says" engine_faults
  ! $docker || aside servers "Engine beside Kafka Streams: the same alerts" engine_beside_peer
  if over_the_stack --native; then
    step "Faults: kill -9, outages, flushes" pipeline_faults || true
  fi
  stop_stack
fi
joined || true
if $docker; then
  aside servers "Contract tests, containers" \
    env TOCSIN_TEST_BACKING=containers TESTCONTAINERS_RYUK_DISABLED=true pytest -q -m docker
  over_the_stack --docker || true
  joined || true
fi
