"""What clients send, and a gateway in process to send it to."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry

from api_gateway.handlers.faring import Fares
from api_gateway.testing.kafka import FakeEventLog, FakeRuleTopic
from api_gateway.testing.repository import FakeRuleRepository


@dataclass(slots=True)
class World:
    """A whole gateway in process: an HTTP client, the application, and what it stands on."""

    client: Any
    front: Any
    registry: CollectorRegistry
    log: FakeEventLog
    repository: FakeRuleRepository
    topic: FakeRuleTopic
    fares: Fares

    async def create_rule(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return the answer to a new rule."""
        answer = await self.client.post("/api/alert-rules", json=plain_rule(**changes))
        if answer.status_code != HTTPStatus.CREATED:
            raise AssertionError(answer.text)
        created: dict[str, Any] = answer.json()
        return created


def plain_event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an event as a client writes it."""
    return {
        "service": "payment-service",
        "level": "ERROR",
        "message": "Database connection failed",
        "statusCode": 500,
        "responseTime": 5000,
        "timestamp": "2026-01-31T10:00:00.123Z",
        **changes,
    }


def plain_rule(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a rule as a client writes it."""
    return {
        "name": "High Error Rate",
        "type": "ERROR_THRESHOLD",
        "condition": "count > threshold",
        "threshold": 100,
        "windowMinutes": 5,
        "severity": "CRITICAL",
        **changes,
    }
