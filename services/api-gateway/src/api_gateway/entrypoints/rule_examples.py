"""A rule of each type, for the readers of the OpenAPI document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "ERROR_THRESHOLD": {
            "name": "High Error Rate",
            "description": "Triggers when error count exceeds threshold",
            "type": "ERROR_THRESHOLD",
            "condition": "count > threshold",
            "threshold": 100,
            "windowMinutes": 5,
            "severity": "CRITICAL",
            "enabled": True,
        },
        "LATENCY": {
            "name": "Slow in office hours",
            "type": "LATENCY",
            "threshold": 800,
            "window": {"size": "5m", "kind": "sliding"},
            "for": "2m",
            "keepFiringFor": "5m",
            "activeTime": [
                {
                    "times": [{"startTime": "08:00", "endTime": "18:00"}],
                    "weekdays": ["monday:friday"],
                    "location": "Europe/Berlin",
                }
            ],
            "severity": "HIGH",
        },
        "ERROR_RATE": {
            "name": "Five percent fail",
            "type": "ERROR_RATE",
            "threshold": 5,
            "minCount": 50,
            "severity": "HIGH",
        },
        "SERVER_ERROR": {
            "name": "Server errors",
            "type": "SERVER_ERROR",
            "threshold": 25,
            "severity": "CRITICAL",
        },
        "EVENT_COUNT": {
            "name": "Declined payments",
            "type": "EVENT_COUNT",
            "match": 'service == "checkout" && message.contains("declined")',
            "threshold": 50,
            "window": {"size": "10m", "kind": "hopping", "step": "1m"},
            "severity": "MEDIUM",
        },
        "METRIC": {
            "name": "Queue is deep",
            "type": "METRIC",
            "value": "attributes.depth",
            "condition": "max > threshold",
            "threshold": 10_000,
            "groupBy": ["host"],
            "noData": "alerting",
            "severity": "MEDIUM",
        },
        "MATCH": {
            "name": "Log in as root",
            "type": "MATCH",
            "match": 'message.contains("session opened")',
            "value": "attributes.user",
            "blacklist": ["root", "admin"],
            "groupBy": ["host"],
            "severity": "HIGH",
        },
        "ABSENCE": {
            "name": "No heartbeat",
            "type": "ABSENCE",
            "match": 'message == "heartbeat"',
            "windowMinutes": 2,
            "expect": ["payments", "checkout"],
            "forget": "7d",
            "severity": "CRITICAL",
        },
        "SPIKE": {
            "name": "Three times the errors",
            "type": "SPIKE",
            "match": 'level == "ERROR"',
            "factor": 3,
            "direction": "up",
            "minReference": 20,
            "severity": "HIGH",
        },
        "CARDINALITY": {
            "name": "One user from many addresses",
            "type": "CARDINALITY",
            "match": 'message == "login"',
            "value": "attributes.address",
            "threshold": 5,
            "groupBy": ["attributes.user"],
            "severity": "HIGH",
        },
        "NEW_TERM": {
            "name": "A country never seen",
            "type": "NEW_TERM",
            "value": "attributes.country",
            "remember": "30d",
            "severity": "LOW",
        },
        "CHANGE": {
            "name": "Another version runs",
            "type": "CHANGE",
            "value": "attributes.version",
            "groupBy": ["service", "host"],
            "severity": "INFO",
        },
    }
)
