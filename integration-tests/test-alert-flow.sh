#!/usr/bin/env bash
# The alert flow as a user meets it, with curl: 120 ERROR logs, 60 slow requests and 30 server
# errors make exactly three alerts, each delivered once to each channel that it is routed to. The
# same again is a duplicate, is not delivered, and says so.
#
#   integration-tests/test-alert-flow.sh [--name NAME] [--once]
#
# --name   what the three services are called after; a new name each time by default. With the name
#          of an earlier run whose alerts are still open, only the second round is left
# --once   the first round only
set -euo pipefail

gateway=${TOCSIN_GATEWAY_URL:-http://127.0.0.1:${TOCSIN_GATEWAY_PORT:-8080}}
manager=${TOCSIN_ALERT_MANAGER_URL:-http://127.0.0.1:${TOCSIN_ALERT_MANAGER_PORT:-8082}}
notifier=${TOCSIN_NOTIFICATION_URL:-http://127.0.0.1:${TOCSIN_NOTIFICATION_PORT:-8083}}
sink=${TOCSIN_SINK_URL:-http://127.0.0.1:${TOCSIN_SINK_PORT:-8090}}
patience=${TOCSIN_PATIENCE:-60} # seconds that anything may take to show up

name=$(printf '%x' "$(date +%s)$((RANDOM % 1000))")
rounds=2
while [ $# -gt 0 ]; do
  case $1 in
    --name) name=${2:?--name needs a name}; shift 2 ;;
    --once) rounds=1; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) printf 'Unknown argument: %s (see --help)\n' "$1" >&2; exit 2 ;;
  esac
done

failing="payments-$name" # logs errors
slow="search-$name"      # answers slowly
broken="checkout-$name"  # answers with 5xx
services=("$failing" "$slow" "$broken")

now() { date -u +%Y-%m-%dT%H:%M:%S.000Z; }
say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# json EXPRESSION: reads JSON from standard input as `it` and prints the value of the expression.
json() { python3 -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

get() { curl -fsS --max-time 10 "$@"; }

# post PATH CONTENT-TYPE: posts standard input and insists on a 202.
post() {
  local answer
  answer=$(curl -sS --max-time 30 -w '\n%{http_code}' -H "Content-Type: $2" --data-binary @- "$gateway$1") ||
    fail "the gateway did not answer POST $1"
  [ "${answer##*$'\n'}" = 202 ] || fail "POST $1 was answered with ${answer##*$'\n'}: ${answer%$'\n'*}"
}

# await WORDS COMMAND...: runs the command until it succeeds, for at most $patience seconds.
await() {
  local words=$1 deadline=$((SECONDS + patience))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || fail "after $patience s still not: $words"
    sleep 0.2
  done
}

# metric URL NAME: the sum of a metric's series.
metric() { get "$1/metrics" | awk -v name="$2" 'index($1, name "{") == 1 || $1 == name { sum += $NF } END { printf "%d\n", sum }'; }

alerts_of() { get "$manager/api/alerts?service=$1"; }
count_alerts() { alerts_of "$1" | json 'len(it["alerts"])'; }
alert_id() { alerts_of "$1" | json 'it["alerts"][0]["id"]'; }

# deliveries SERVICE CHANNEL: how many messages about the service the channel has taken.
deliveries() { get "$sink/requests?channel=$2&delivered=true&contains=$1" | json 'it["count"]'; }

each_has_an_alert() {
  local service
  for service in "${services[@]}"; do [ "$(count_alerts "$service")" -ge 1 ] || return 1; done
}

# expected SEVERITY CHANNEL: the deliveries that the shipped routes ask for.
expected() {
  case $2:$1 in
    slack:*) printf 1 ;;
    pagerduty:CRITICAL) printf 1 ;;
    *) printf 0 ;;
  esac
}

severity_of() { alerts_of "$1" | json 'it["alerts"][0]["severity"]'; }

each_is_delivered() {
  local service channel severity
  for service in "${services[@]}"; do
    severity=$(severity_of "$service")
    for channel in slack pagerduty; do
      [ "$(deliveries "$service" $channel)" -ge "$(expected "$severity" $channel)" ] || return 1
    done
  done
}

check_alerts() {
  local service found total=0
  for service in "${services[@]}"; do
    found=$(count_alerts "$service")
    [ "$found" = 1 ] || fail "$service has $found alerts, not one: $(alerts_of "$service")"
    total=$((total + found))
  done
  [ $total = 3 ] || fail "there are $total alerts, not three"
}

check_deliveries() {
  local service channel severity wanted found
  for service in "${services[@]}"; do
    severity=$(severity_of "$service")
    for channel in slack pagerduty email webhook; do
      wanted=$(expected "$severity" $channel)
      found=$(deliveries "$service" $channel)
      [ "$found" = "$wanted" ] ||
        fail "the $severity alert of $service was delivered $found times to $channel, not $wanted"
    done
  done
}

post_logs() {
  local number moment
  # One moment for all events of a service: a window that ends between two of them would halve the
  # counts. A new one for each service and round: what is posted long after its moment is late.
  moment=$(now)
  say "  120 ERROR logs of $failing, one by one ..."
  for number in $(seq 120); do
    printf '{"service":"%s","level":"ERROR","message":"Database connection failed, attempt %d","timestamp":"%s"}\n' \
      "$failing" "$number" "$moment"
  done | while read -r event; do post /api/logs application/json <<<"$event"; done

  moment=$(now)
  say "  60 slow requests of $slow, as one JSON array ..."
  seq 60 | awk -v service="$slow" -v moment="$moment" 'BEGIN { printf "[" }
    { printf "%s{\"service\":\"%s\",\"level\":\"INFO\",\"message\":\"GET /search?page=%d\",\"statusCode\":200,\"responseTime\":%d,\"timestamp\":\"%s\"}", (NR > 1 ? "," : ""), service, NR, 1500 + 10 * NR, moment }
    END { printf "]" }' | post /api/logs/batch application/json

  moment=$(now)
  say "  30 server errors of $broken, as NDJSON ..."
  seq 30 | awk -v service="$broken" -v moment="$moment" \
    '{ printf "{\"service\":\"%s\",\"level\":\"WARN\",\"message\":\"POST /checkout answered 503\",\"statusCode\":503,\"responseTime\":40,\"timestamp\":\"%s\"}\n", service, moment }' |
    post /api/logs/batch application/x-ndjson
}

for part in "the gateway=$gateway" "the alert manager=$manager" "the notification service=$notifier"; do
  get -o /dev/null "${part#*=}/health/ready" 2>/dev/null ||
    fail "${part%%=*} at ${part#*=} is not ready; start the stack with ./setup.sh"
done
get -o /dev/null "$sink/health" 2>/dev/null || fail "the sink at $sink does not answer; start the stack with ./setup.sh"

open_alerts() { get "$manager/api/alerts?service=$1&status=firing" | json 'len(it["alerts"])'; }

round_1() {
  local began=$SECONDS service
  say "Round 1: three things go wrong at once."
  post_logs
  say "Waiting for three alerts ..."
  await 'an alert for each of the three services' each_has_an_alert
  say "Waiting for their deliveries ..."
  await 'a delivery of each alert to each of its channels' each_is_delivered
  check_alerts
  check_deliveries
  say "  three alerts, each delivered once to each of its channels, after $((SECONDS - began)) s:"
  for service in "${services[@]}"; do
    alerts_of "$service" | json '"    {severity:<9} {labels[alertname]}  ({labels[service]})".format(**it["alerts"][0])'
  done
}

already=0
for service in "${services[@]}"; do already=$((already + $(open_alerts "$service"))); done
case $already in
  0) round_1 ;;
  3) say "The three alerts of $name are open already, so this run is the second one." ;;
  *) fail "$already of the three alerts of $name are open; take another name" ;;
esac
[ $rounds = 2 ] || exit 0

# duplicates SERVICE: how often its alert was met again and nobody was told, says its timeline.
duplicates() {
  get "$manager/api/alerts/$(alert_id "$1")/timeline" |
    json 'sum(entry["times"] for entry in it["entries"] if entry["reason"] == "duplicate")'
}

say "Round 2: the same again, while the alerts are open."
counted_before=$(metric "$manager" alerts_deduplicated_total)
declare -A before
for service in "${services[@]}"; do before[$service]=$(duplicates "$service"); done
each_met_a_duplicate() {
  local service
  for service in "${services[@]}"; do
    [ "$(duplicates "$service")" -gt "${before[$service]}" ] || return 1
  done
}
post_logs
say "Waiting for the alert manager to call them duplicates ..."
await 'a duplicate in the timeline of each alert' each_met_a_duplicate
check_alerts
check_deliveries
for service in "${services[@]}"; do
  say "  $service: one alert, no further delivery; timeline: duplicate, $(($(duplicates "$service") - before[$service])) more"
done
counted=$(($(metric "$manager" alerts_deduplicated_total) - counted_before))
[ $counted -ge 3 ] || fail "alerts_deduplicated_total grew by $counted only"
say "  alerts_deduplicated_total grew by $counted."
say "PASSED: three alerts, each delivered once; the second round was deduplicated."
