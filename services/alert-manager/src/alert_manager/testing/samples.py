"""Alerts as the engine would send them."""

from typing import Any, Final, Literal

import msgspec

from alert_contracts import ids
from alert_contracts.alerts import Alert, RuleRef, Sample, Source, WindowSpan
from alert_contracts.config import Config, parse_config
from alert_contracts.events import Event
from alert_contracts.rules import RuleType, Severity
from alert_manager.domain.intake import Policy

NOON: Final = 1_790_000_000_000
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
CONFIG: Final[Config] = parse_config(
    {
        "route": {
            "receiver": "slack",
            "routes": [
                {"matchers": ['severity="critical"'], "receiver": "pagerduty", "continue": True},
                {"receiver": "slack"},
            ],
        },
        "receivers": [{"name": "slack"}, {"name": "pagerduty"}],
    }
)
POLICY: Final = Policy(CONFIG, dedup_ttl=HOUR, external_url="http://tocsin.example")


def an_alert(
    status: Literal["firing", "updated", "resolved"] = "firing",
    sequence: int = 1,
    *,
    service: str = "checkout",
    severity: Severity = Severity.CRITICAL,
    window: int = NOON,
    span: WindowSpan | None = None,
    **changes: Any,  # noqa: ANN401 - any field of Alert
) -> Alert:
    """Return one record about a group of the rule High Error Rate; `window` tells alerts apart.

    `span` is the window that was judged, where it is not the first one.
    """
    group = {"service": service}
    label = severity.lower()
    identity: dict[str, Any] = {"tenant": "default", "rule_id": "r1", "group": group}
    alert = Alert(
        id=ids.alert_id(revision=1, window_start=window, **identity),
        fingerprint=ids.fingerprint(severity=label, **identity),
        tenant="default",
        status=status,
        sequence=sequence,
        rule=RuleRef("r1", "High Error Rate", RuleType.ERROR_THRESHOLD, 1),
        severity=severity,
        group=group,
        labels={"alertname": "High Error Rate", "severity": label, "rule_id": "r1", **group},
        window=span or WindowSpan(window, window + 5 * MINUTE),
        aggregates={"count": 100.0 + sequence},
        condition="count > threshold",
        threshold=100.0,
        starts_at=window + MINUTE,
        decided_at=window + MINUTE + 40,
        accepted_at=window + MINUTE + 20,
        reason=f"count {100 + sequence} > threshold 100",
        samples=[Sample(Event(window + MINUTE, service, "boom"), 3, 17)],
        sources=[Source(3, 11, 17)],
        ends_at=window + 10 * MINUTE if status == "resolved" else None,
    )
    return msgspec.structs.replace(alert, **changes)
