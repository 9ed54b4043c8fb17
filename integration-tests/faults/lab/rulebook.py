"""The rules of the laboratory: of every type one, or some, over the events of its workload."""

from typing import Final

from faults.lab.habits import FACTOR, ORDERS, PERIOD, REQUESTS, SIZES, STATUSES
from faults.lab.workload import BURST, ERRORS
from msgspec.structs import replace

from alert_contracts.rules import SPIKES, Rule, RuleType, Severity, Window, WindowKind

LATENESS: Final = 180_000
SHORT_LATENESS: Final = 10_000
"""Of rules that are judged when it is over."""
RESOLVE_AFTER: Final = 10_000
SILENCE: Final = PERIOD // 2
"""Window of ABSENCE."""
ABSENCE: Final = "absence"
REQUEST: Final = 'message == "request"'
ORDER: Final = 'message == "order"'


def rules(tenant: str) -> list[Rule]:
    """Return the rules under which this workload's alerts are known."""
    return [
        rule_of(
            tenant, "census", 'level == "INFO"', threshold=0, by=("service", "attributes.period"),
        ),
        rule_of(
            tenant, "errors", 'level in ["ERROR", "FATAL"]', threshold=ERRORS,
            type_=RuleType.ERROR_THRESHOLD,
        ),
        rule_of(
            tenant, "bursts", "statusCode >= 500", threshold=BURST, type_=RuleType.SERVER_ERROR,
            kind="sliding", step=1_000,
        ),
        rule_of(
            tenant, "slow", "has(responseTime)", threshold=1_000, type_=RuleType.LATENCY,
            condition="p95 > threshold", value="responseTime", min_count=20,
        ),
        rule_of(
            tenant, "hopping", 'level == "WARN"', threshold=BURST, kind="hopping",
            size=2 * PERIOD, step=PERIOD // 2,
        ),
        rule_of(
            tenant, "hosts", 'level == "WARN"', threshold=BURST, type_=RuleType.CARDINALITY,
            condition="distinct > threshold", value="host",
        ),
        rule_of(
            tenant, "strange", 'level == "DEBUG"', threshold=0, type_=RuleType.MATCH,
            condition="count > 0",
        ),
        *measures(tenant),
        replace(
            rule_of(
                tenant, "rise", ORDER, type_=RuleType.SPIKE, condition=SPIKES["up"], min_count=0,
            ),
            factor=FACTOR, min_reference=ORDERS["fine"],
        ),
        rule_of(
            tenant, "terms", REQUEST, type_=RuleType.NEW_TERM, condition="count > 0",
            value="attributes.country",
        ),
        rule_of(
            tenant, "change", 'message == "release"', type_=RuleType.CHANGE, condition="count > 0",
            value="attributes.version", by=("service", "host"),
        ),
    ]  # fmt: skip


def measures(tenant: str) -> list[Rule]:
    """Return the rules about shares and numbers: sites at the edge stay at each threshold."""
    edge, bundles = SIZES["edge"], len(REQUESTS)
    bounds = {
        "avg": sum(edge) / len(edge),
        "max": max(edge),
        "min": min(edge),
        "sum": bundles * sum(edge),
        "p50": sum(sorted(edge)[1:3]) / 2,
    }
    return [
        rule_of(
            tenant, "share", REQUEST, threshold=50, type_=RuleType.ERROR_RATE,
            condition="errors * 100.0 / total > threshold",
            min_count=bundles * len(STATUSES["edge"]),
        ),
        *(
            rule_of(
                tenant, f"metric-{figure}", REQUEST, threshold=bound, type_=RuleType.METRIC,
                condition=f"{figure} > threshold", value="attributes.size",
                lateness=SHORT_LATENESS if figure == "min" else LATENESS,
            )
            for figure, bound in bounds.items()
        ),
    ]  # fmt: skip


def silences(tenant: str) -> list[Rule]:
    """Return the rules that are judged when a window is over.

    Every service breaks one of them when the load ends.
    """
    fall = rule_of(
        tenant, "fall", ORDER, type_=RuleType.SPIKE, condition=SPIKES["down"], min_count=0,
        lateness=SHORT_LATENESS,
    )  # fmt: skip
    absence = rule_of(
        tenant, ABSENCE, "true", type_=RuleType.ABSENCE, condition="count == 0", min_count=0,
        size=SILENCE, step=SILENCE, lateness=SHORT_LATENESS,
    )  # fmt: skip
    down = replace(fall, factor=FACTOR, min_reference=ORDERS["fine"], direction="down")
    return [down, absence]


def rule_of(
    tenant: str,
    id_: str,
    match: str,
    *,
    threshold: float = 0,
    type_: RuleType = RuleType.EVENT_COUNT,
    condition: str = "count > threshold",
    value: str | None = None,
    min_count: int = 1,
    kind: WindowKind = "tumbling",
    size: int = PERIOD,
    step: int = PERIOD,
    by: tuple[str, ...] = ("service",),
    lateness: int = LATENESS,
) -> Rule:
    """Return a rule of this laboratory: short windows, late events welcome."""
    return Rule(
        id=id_,
        tenant=tenant,
        revision=1,
        name=id_,
        type=type_,
        match=match,
        condition=condition,
        severity=Severity.LOW,
        window=Window(kind, size, step, lateness),
        group_by=by,
        threshold=threshold,
        value=value,
        min_count=min_count,
        resolve_after=RESOLVE_AFTER,
    )
