"""Tocsin / Pipeline: whether events get through, how fast, and what it costs."""

from tocsin_dashboards.board import JOBS, Board
from tocsin_dashboards.panels import (
    ANY_IS_BAD,
    BAD,
    GOOD,
    PLAIN,
    WARN,
    Query,
    big_number,
    graph,
)
from tocsin_dashboards.rules import RULES


def _quantiles(metric: str) -> tuple[Query, Query]:
    """Return p50 and p99 of a histogram."""
    template = "histogram_quantile({}, sum by (le) (rate({}_bucket[$__rate_interval])))"
    return (
        Query(template.format(0.5, metric), "p50"),
        Query(template.format(0.99, metric), "p99"),
    )


NOW = [
    big_number(
        "Accepted",
        'sum(rate(tocsin_ingest_events_total{outcome="accepted"}[$__rate_interval])) or vector(0)',
        unit="cps",
        about="Events per second that were answered with 2xx and are in Kafka.",
        steps=((None, PLAIN),),
    ),
    big_number(
        "Rejected",
        'sum(rate(tocsin_ingest_events_total{outcome="rejected"}[$__rate_interval])) or vector(0)',
        unit="cps",
        about="Events per second that were refused with a reason: the answer names the field.",
        steps=((None, GOOD), (0.001, WARN)),
    ),
    big_number(
        "Turned away (503)",
        'sum(rate(tocsin_ingest_requests_total{status="503"}[$__rate_interval])) or vector(0)',
        unit="reqps",
        about="Requests per second that were told to come back: Kafka is away or the queue full.",
        steps=((None, GOOD), (0.001, BAD)),
    ),
    big_number(
        "Freshness",
        "max(tocsin_engine_freshness_seconds)",
        unit="s",
        about="Age of the newest batch that the engine has counted while more are waiting; "
        "0 when it is up to date.",
        steps=((None, GOOD), (5, WARN), (30, BAD)),
    ),
    big_number(
        "Consumer lag",
        "sum(max by (group, topic) (tocsin_consumer_lag_records))",
        unit="short",
        about="Records that some consumer has not handled yet, over all topics.",
        steps=((None, GOOD), (1000, WARN), (10000, BAD)),
    ),
    big_number(
        "Dead letters",
        "sum(increase(tocsin_dead_letters_total[$__range])) or vector(0)",
        unit="short",
        about="Records in the time shown that could not be read; they are in a .dlq topic.",
        steps=ANY_IS_BAD,
    ),
]

INGEST = [
    graph(
        "Events per second",
        Query(
            "sum by (outcome) (rate(tocsin_ingest_events_total[$__rate_interval]))", "{{outcome}}"
        ),
        Query("sum(rate(tocsin_engine_events_total[$__rate_interval]))", "evaluated"),
        Query("sum(rate(tocsin_engine_counted_events_total[$__rate_interval]))", "counted"),
        unit="cps",
        about="Accepted by the gateway, evaluated against the rules, counted in windows: the three "
        "agree, a moment apart. After a crash some are evaluated twice, none is counted twice.",
    ),
    graph(
        "Requests per second",
        Query(
            "sum by (route, status) (rate(tocsin_ingest_requests_total[$__rate_interval]))",
            "{{route}} {{status}}",
        ),
        unit="reqps",
        about="By route and HTTP status.",
    ),
    graph(
        "Time to accept",
        *_quantiles("tocsin_ingest_request_seconds"),
        unit="s",
        about="From the request to its answer, Kafka's delivery report included.",
    ),
    graph(
        "Bytes per second",
        Query("sum(rate(tocsin_ingest_bytes_total[$__rate_interval]))", "bodies"),
        unit="Bps",
        about="Size of the request bodies.",
    ),
]

ENGINE = [
    graph(
        "Consumer lag",
        Query("max by (group, topic) (tocsin_consumer_lag_records)", "{{group}}: {{topic}}"),
        unit="short",
        about="Records not yet handled. One that only grows is a consumer too slow, or stuck.",
    ),
    graph(
        "Freshness",
        Query("max(tocsin_engine_freshness_seconds)", "age of the newest batch counted"),
        unit="s",
        about="0 when nothing waits.",
    ),
    graph(
        "Event to alert",
        *_quantiles("tocsin_engine_event_to_alert_seconds"),
        unit="s",
        about="From the acceptance of the batch that crossed to the alert. A gap: no alert.",
    ),
    graph(
        "Alerts sent by the engine",
        Query("sum by (status) (rate(tocsin_engine_alerts_total[$__rate_interval]))", "{{status}}"),
        Query("sum(rate(tocsin_engine_alerts_capped_total[$__rate_interval]))", "held back"),
        unit="cps",
        about="Firing, updated, resolved; held back when one rule exceeds its share of a flush.",
    ),
    graph(
        "Events per batch",
        Query(
            "sum(rate(tocsin_engine_events_total[$__rate_interval])) / "
            "clamp_min(sum(rate(tocsin_engine_batches_total[$__rate_interval])), 1e-9)",
            "events",
        ),
        unit="short",
        about="Full batches are cheap: below some 150 events a record, the engine's second stage "
        "is the hotter one.",
    ),
    graph(
        "Partial aggregates",
        Query(
            "sum by (outcome) (rate(tocsin_engine_partials_total[$__rate_interval]))", "{{outcome}}"
        ),
        Query("sum(rate(tocsin_engine_partial_gaps_total[$__rate_interval]))", "gaps"),
        unit="cps",
        about="Replayed and repeated ones were recognised and not counted again. A gap is a loss "
        "between the stages: it must stay 0.",
    ),
    graph(
        "Panes and groups",
        Query("sum(tocsin_engine_panes)", "panes"),
        Query("sum(tocsin_engine_groups)", "groups"),
        unit="short",
        about="What the engine holds in memory. Groups grow with the values of a rule's groupBy.",
    ),
    graph(
        "Storing the state",
        *_quantiles("tocsin_engine_flush_seconds"),
        unit="s",
        about="Time of one flush to the changelog topic.",
    ),
    graph(
        "Rules",
        Query("max(tocsin_engine_rules)", "enabled"),
        Query(
            "sum by (tenant, rule_id) "
            "(increase(tocsin_engine_rule_errors_total[$__rate_interval])) or on() vector(0)",
            "errors {{tenant}} {{rule_id}}",
        ),
        unit="short",
        about="Rules in force, and the errors of each: GET /api/alert-rules/{id} has the last one.",
    ),
    graph(
        "Events that no window counts",
        Query(
            "sum by (source) (rate(tocsin_engine_late_events_total[$__rate_interval])) "
            "or on() vector(0)",
            "too late {{source}}",
        ),
        Query(
            "sum by (bound) (rate(tocsin_engine_surplus_events_total[$__rate_interval]))",
            "no room: {{bound}}",
        ),
        unit="cps",
        about="Older than a rule's allowedLateness, by partition of log-events, or of groups above "
        "its maxGroups, or values above what is kept. GET /api/alert-rules/{id} has both for each "
        "rule.",
    ),
    graph(
        "Alerts held back",
        Query("sum(tocsin_engine_alerts_waiting)", "waiting"),
        unit="short",
        about="Alerts above what one rule may send at once; they go out with the next flushes.",
    ),
    graph(
        "Sample events",
        Query(
            "sum by (outcome) (rate(tocsin_engine_evidence_records_total[$__rate_interval])) "
            "or on() vector(0)",
            "{{outcome}}",
        ),
        unit="cps",
        about="Records that alerts wanted to show events of. Missing ones are gone from the topic "
        "or did not come in time: the alert went without that sample, and no later.",
    ),
]


PROCESSES = [
    graph(
        "CPU",
        Query(
            f'sum by (job) (rate(process_cpu_seconds_total{{job=~"{JOBS}"}}[$__rate_interval]))',
            "{{job}}",
        ),
        unit="percentunit",
        about="Share of one core. A process at 100 % is the bottleneck.",
    ),
    graph(
        "Memory",
        Query(f'sum by (job) (process_resident_memory_bytes{{job=~"{JOBS}"}})', "{{job}}"),
        unit="bytes",
        about="Resident memory.",
        stacked=True,
    ),
    graph(
        "Restarts",
        Query(
            f'sum by (job) (changes(process_start_time_seconds{{job=~"{JOBS}"}}'
            "[$__rate_interval]))",
            "{{job}}",
        ),
        unit="short",
        about="A process that began anew since the scrape before.",
    ),
    graph(
        "Versions",
        Query(
            "count by (service, version, commit) (tocsin_build_info)",
            "{{service}} {{version}} ({{commit}})",
        ),
        unit="short",
        about="How many processes run which build.",
    ),
    graph(
        "Dead letters",
        Query(
            "sum by (topic) (increase(tocsin_dead_letters_total[$__rate_interval])) "
            "or on() vector(0)",
            "{{topic}}",
        ),
        unit="short",
        about="Records that could not be read, by the topic that they came from.",
        width=24,
    ),
]

BOARD = Board(
    uid="tocsin-pipeline",
    title="Tocsin / Pipeline",
    about="Whether events get through, how fast, and what it costs.",
    rows=(
        ("Now", NOW),
        ("Ingest", INGEST),
        ("Rule engine", ENGINE),
        ("Rules", RULES),
        ("Processes", PROCESSES),
    ),
)
