"""Of the board Pipeline: which rules fail, and which of them cost most."""

from tocsin_dashboards.panels import Query, graph


def _of_rules(expression: str, legend: str = "{{tenant}} {{rule_id}}") -> Query:
    """Return the ten rules with the most; every gateway tells of all rules."""
    return Query(f"topk(10, max by (tenant, rule_id) ({expression}))", legend)


RULES = [
    graph(
        "Rules that fail",
        Query(
            "count(min by (tenant, rule_id) (tocsin_rule_healthy) == 0) or on() vector(0)",
            "failing",
        ),
        Query("max(tocsin_rule_metrics_left_out)", "not shown here"),
        unit="short",
        about="Rules with a failure at run time: GET /api/alert-rules/{id} has the last one. "
        "Above API_GATEWAY_METRICS_MAX_RULES, those that fail or cost most are shown here.",
    ),
    graph(
        "CPU share",
        _of_rules("tocsin_rule_cpu_share"),
        unit="percentunit",
        about="Share of the engine's evaluation time, by sampling: the ten costliest rules.",
    ),
    graph(
        "Events matched",
        _of_rules("rate(tocsin_rule_events_matched_total[$__rate_interval])"),
        unit="cps",
        about="Events that a rule's windows count: the ten rules with the most.",
    ),
    graph(
        "Events that a rule does not count",
        _of_rules("rate(tocsin_rule_late_events_total[$__rate_interval])", "late {{rule_id}}"),
        _of_rules(
            "rate(tocsin_rule_surplus_events_total[$__rate_interval])", "surplus {{rule_id}}"
        ),
        unit="cps",
        about="Older than the rule's allowedLateness, or of groups or values beyond its bounds.",
    ),
    graph(
        "State",
        _of_rules("tocsin_rule_state_bytes"),
        unit="bytes",
        about="Memory that panes and groups take, an estimate: the ten rules with the most.",
    ),
    graph(
        "Groups",
        _of_rules("tocsin_rule_groups"),
        unit="short",
        about="Combinations of groupBy that a rule keeps apart: the ten rules with the most.",
    ),
    graph(
        "Behind",
        Query(
            "topk(10, time() - max by (tenant, rule_id) (tocsin_rule_last_evaluation_seconds))",
            "{{tenant}} {{rule_id}}",
        ),
        unit="s",
        about="How long ago the windows were that a rule was judged by last: some 12 seconds "
        "while events come in.",
        width=24,
    ),
]
