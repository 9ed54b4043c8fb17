"""Tocsin / On call: what a person with the pager looks at first."""

from tocsin_dashboards.board import JOBS, Board
from tocsin_dashboards.panels import (
    ANY_IS_BAD,
    BAD,
    GOOD,
    PLAIN,
    WARN,
    Panel,
    Query,
    big_number,
    graph,
    states,
)

NOW = [
    big_number(
        "Open alerts",
        "sum(tocsin_alerts_open)",
        unit="short",
        about="Alerts that fire and are not resolved. GET /api/alerts?status=open lists them.",
        steps=((None, GOOD), (1, PLAIN)),
        width=3,
    ),
    big_number(
        "Undelivered",
        "sum(tocsin_failed_notifications_pending)",
        unit="short",
        about="Notifications that no channel took; they are tried again when a channel is back. "
        "SELECT * FROM failed_notifications WHERE status = 'PENDING' lists them.",
        steps=ANY_IS_BAD,
        width=3,
    ),
    big_number(
        "Breakers not closed",
        "count(tocsin_circuit_breaker_state > 0) or vector(0)",
        unit="short",
        about="Destinations that failed so often that they get no calls for a while.",
        steps=ANY_IS_BAD,
        width=3,
    ),
    big_number(
        "Delivery success",
        '100 * (1 - (sum(increase(notifications_sent_total{status="failure"}[$__range])) '
        "or vector(0)) / clamp_min(sum(increase(notifications_sent_total[$__range])) "
        "or vector(0), 1))",
        unit="percent",
        about="Share of sends in the time shown that the channel took. 100 % when none was due.",
        steps=((None, BAD), (95, WARN), (99, GOOD)),
        width=3,
    ),
    big_number(
        "Deduplicated",
        "100 * (sum(increase(alerts_deduplicated_total[$__range])) or vector(0)) "
        "/ clamp_min(sum(increase(alerts_processed_total[$__range])) or vector(0), 1)",
        unit="percent",
        about="Share of alerts in the time shown that nobody was told of, since they were known.",
        steps=((None, PLAIN),),
        width=3,
    ),
    big_number(
        "Decision to notification, p99",
        "histogram_quantile(0.99, sum by (le) "
        "(rate(tocsin_decision_to_notification_seconds_bucket[$__range])))",
        unit="s",
        about="From the engine's decision that an alert fires to its delivery, in the time shown.",
        steps=((None, GOOD), (3, WARN), (10, BAD)),
        width=3,
    ),
    big_number(
        "Processes down",
        f'count(up{{job=~"{JOBS}"}} == 0) or vector(0)',
        unit="short",
        about="Processes of Tocsin whose metrics Prometheus cannot read.",
        steps=ANY_IS_BAD,
        width=3,
    ),
    big_number(
        "Warnings about Tocsin",
        'count(ALERTS{alertstate="firing", alertname=~"Tocsin.*"}) or vector(0)',
        unit="short",
        about="Rules of deploy/prometheus/rules.yml that fire: Prometheus' page Alerts names them.",
        steps=ANY_IS_BAD,
        width=3,
    ),
]

ALERTS = [
    graph(
        "Alerts per second",
        Query("sum(rate(alerts_processed_total[$__rate_interval]))", "processed"),
        Query("sum(rate(alerts_deduplicated_total[$__rate_interval]))", "deduplicated"),
        unit="cps",
        about="What the alert manager took from the engine, and how much of it was known already.",
    ),
    graph(
        "Open alerts",
        Query("sum(tocsin_alerts_open)", "open"),
        unit="short",
        about="A plateau is one incident that lasts; a staircase is one that spreads.",
    ),
    graph(
        "Decisions by reason",
        Query(
            "sum by (reason) (rate(tocsin_alert_decisions_total[$__rate_interval]))", "{{reason}}"
        ),
        unit="cps",
        about="Why people were, or were not, told: the reason of every decision, as in an alert's "
        "timeline.",
        stacked=True,
    ),
    graph(
        "Notifications asked for, by receiver",
        Query(
            "sum by (receiver) (rate(tocsin_alert_notifications_total[$__rate_interval]))",
            "{{receiver}}",
        ),
        unit="cps",
        about="Where the routes of the alerting configuration send alerts.",
        stacked=True,
    ),
]

DELIVERY: list[Panel] = [
    graph(
        "Sends by channel and result",
        Query(
            "sum by (channel, status) (rate(notifications_sent_total[$__rate_interval]))",
            "{{channel}}: {{status}}",
        ),
        unit="cps",
        about="Each send counts, a second attempt too.",
    ),
    states(
        "Circuit breakers",
        Query("max by (destination) (tocsin_circuit_breaker_state)", "{{destination}}"),
        about="Open: the destination failed so often that it gets no calls. Half open: one call "
        "tries whether it is back.",
        names=(("closed", GOOD), ("half open", WARN), ("open", BAD)),
    ),
    graph(
        "Alert to notification",
        *(
            Query(
                f"histogram_quantile({quantile}, sum by (le) "
                "(rate(tocsin_alert_to_notification_seconds_bucket[$__rate_interval])))",
                name,
            )
            for quantile, name in ((0.5, "p50"), (0.99, "p99"))
        ),
        Query(
            "histogram_quantile(0.99, sum by (le) "
            "(rate(tocsin_decision_to_notification_seconds_bucket[$__rate_interval])))",
            "p99 from the decision",
        ),
        unit="s",
        about="From the event that crossed the threshold to its delivery. Rules that are judged at "
        "the close of a pane or window wait for it: some 15 s or more are no fault, those from the "
        "engine's decision on are. A gap: nothing was sent.",
    ),
    graph(
        "Time that a channel takes, p99",
        Query(
            "histogram_quantile(0.99, sum by (le, channel) "
            "(rate(tocsin_delivery_seconds_bucket[$__rate_interval])))",
            "{{channel}}",
        ),
        unit="s",
        about="One call to the channel, without waits between attempts. A gap: nothing was sent.",
    ),
    graph(
        "Undelivered and fallen back",
        Query("sum(tocsin_failed_notifications_pending)", "undelivered"),
        Query("sum(tocsin_failed_notifications_dead)", "given up"),
        Query("sum(tocsin_alert_outbox_unsent)", "ordered, not yet in Kafka"),
        Query(
            "sum(increase(tocsin_notification_fallbacks_total[$__rate_interval])) or vector(0)",
            "took the next channel",
        ),
        unit="short",
        about="What is owed and what was given up, before the channels and at them, and how often "
        "the first channel of a receiver was passed over.",
    ),
    graph(
        "Waiting between the stages",
        Query(
            'max by (topic) (tocsin_consumer_lag_records{topic=~"alerts|notifications"})',
            "{{topic}}",
        ),
        unit="short",
        about="Records that the alert manager and the notification service have not handled yet.",
    ),
]

BOARD = Board(
    uid="tocsin-on-call",
    title="Tocsin / On call",
    about="What fires, who was told, and whether they could be reached.",
    rows=(("Now", NOW), ("Alerts", ALERTS), ("Delivery", DELIVERY)),
)
