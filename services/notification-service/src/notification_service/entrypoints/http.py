"""The REST API: circuits, attempts, what is owed, channels, templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from alert_contracts.times import rfc3339
from notification_service.domain.directory import Channel, Directory, Endpoint
from notification_service.domain.sample import sample_order
from notification_service.ports import Circuits, Courier, Ledger, Previewer
from service_runtime.health import Health
from service_runtime.web import ProblemError, create_app

MAX_PAGE: Final = 500
MAX_TEMPLATES: Final = 32
Text = Annotated[str, Field(max_length=16_384)]
Name = Annotated[str | None, Query(max_length=256)]
Page = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
DeliveryStatus = Literal["QUEUED", "SENDING", "DELIVERED", "FELL_BACK", "FAILED", "SKIPPED"]
FailedStatus = Literal["PENDING", "RETRYING", "DELIVERED", "DEAD"]
Upper = BeforeValidator(lambda text: text.upper() if isinstance(text, str) else text)
Lower = BeforeValidator(lambda text: text.lower() if isinstance(text, str) else text)
AnyChannel = Annotated[Channel | None, Lower]
"""Filters take their words in any case."""
_RETRIABLE: Final = frozenset({"PENDING", "DEAD"})


@dataclass(frozen=True, slots=True)
class Desk:
    """What the API is answered from. `hosts` gives an endpoint's host by its name."""

    ledger: Ledger
    circuits: Circuits
    courier: Courier
    previewer: Previewer
    directory: Directory
    hosts: Mapping[str, str]
    wake: Callable[[], None]
    clock: Callable[[], int]

    def destinations(self) -> dict[str, list[Endpoint]]:
        """Return the endpoints of each destination."""
        found: dict[str, list[Endpoint]] = {}
        for endpoint in self.directory.endpoints():
            found.setdefault(endpoint.destination, []).append(endpoint)
        return found


class Preview(BaseModel):
    """Templates to try out. Names: title, text, html, subject."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    channel: Channel
    templates: dict[str, Text] = Field(default={}, max_length=MAX_TEMPLATES)
    status: Literal["firing", "resolved"] = "firing"


def make_app(desk: Desk, health: Health) -> FastAPI:
    """Return the application."""
    app = create_app("Tocsin notification service", __doc__ or "", health)
    _add_circuits(app, desk)
    _add_lists(app, desk)
    _add_retries(app, desk)
    _add_channels(app, desk)
    _add_templates(app, desk)
    return app


def _add_circuits(app: FastAPI, desk: Desk) -> None:
    @app.get("/actuator/circuitbreakers", tags=["delivery"])
    async def circuit_breakers() -> dict[str, Any]:
        """The circuit of every destination."""
        return {
            "circuitBreakers": {
                view.name: {
                    "state": view.state.value,
                    "failureRate": f"{view.failure_rate * 100:.1f}%",
                    "failedCalls": view.failed_calls,
                    "bufferedCalls": view.buffered_calls,
                    "notPermittedCalls": view.not_permitted_calls,
                    "openedAt": None if view.opened_at is None else rfc3339(view.opened_at),
                }
                for view in desk.circuits.views()
            }
        }


def _given(**filters: str | None) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _page(rows: Sequence[dict[str, Any]], limit: int, name: str) -> dict[str, Any]:
    full = len(rows) > limit
    shown = list(rows[:limit])
    return {name: shown, "nextCursor": str(shown[-1]["id"]) if full else None}


def _add_lists(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/notifications", tags=["delivery"])
    async def attempts(
        *,
        status: Annotated[DeliveryStatus | None, Upper] = None,
        channel: AnyChannel = None,
        receiver: Name = None,
        notification: Name = None,
        alert: Name = None,
        cursor: Cursor = None,
        limit: Page = 100,
    ) -> dict[str, Any]:
        """Deliveries, newest first: one for each integration that was to be told."""
        given = _given(
            status=status,
            channel=channel,
            receiver=receiver,
            notification=notification,
            alert=alert,
        )
        rows = await desk.ledger.attempts(given, before=cursor, limit=limit + 1)
        return _page([_attempt(row) for row in rows], limit, "notifications")

    @app.get("/api/notifications/failed", tags=["delivery"])
    async def failed(
        *,
        status: Annotated[FailedStatus | None, Upper] = None,
        channel: AnyChannel = None,
        receiver: Name = None,
        alert: Name = None,
        cursor: Cursor = None,
        limit: Page = 100,
    ) -> dict[str, Any]:
        """What failed with every fallback, newest first: owed (PENDING), delivered late, dead."""
        given = _given(status=status, channel=channel, receiver=receiver, alert=alert)
        rows = await desk.ledger.failed(given, before=cursor, limit=limit + 1)
        return _page([_failed(row) for row in rows], limit, "notifications")


def _add_retries(app: FastAPI, desk: Desk) -> None:
    @app.post("/api/notifications/failed/retry", tags=["delivery"], status_code=HTTPStatus.ACCEPTED)
    async def retry_failed(
        *,
        status: Annotated[Literal["PENDING", "DEAD"] | None, Upper] = None,
        channel: AnyChannel = None,
        receiver: Name = None,
        alert: Name = None,
    ) -> dict[str, int]:
        """Try everything that is owed or dead again now; filters narrow it."""
        given = _given(status=status, channel=channel, receiver=receiver, alert=alert)
        count = await desk.ledger.retry_failed(given, now=desk.clock())
        desk.wake()
        return {"retried": count}

    @app.post("/api/notifications/{id}/retry", tags=["delivery"], status_code=HTTPStatus.ACCEPTED)
    async def retry(id: Id) -> dict[str, Any]:  # noqa: A002 - the path's name
        """Try one that is owed or dead again now; its idempotency key stays."""
        status = await desk.ledger.retry(id, now=desk.clock())
        if status is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no notification {id}")
        if status not in _RETRIABLE:
            raise ProblemError(HTTPStatus.CONFLICT, f"notification {id} is {status}")
        desk.wake()
        return {"id": str(id), "status": "PENDING"}


def _add_channels(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/channels", tags=["delivery"])
    async def channels() -> dict[str, Any]:
        """Every destination with its state, and the integrations that lead there."""
        states = {view.name: view.state.value for view in desk.circuits.views()}
        return {
            "channels": [
                {
                    "name": name,
                    "type": endpoints[0].channel.value,
                    "state": states.get(name, "CLOSED"),
                    "host": desk.hosts.get(endpoints[0].name, ""),
                    "integrations": [_integration(desk, endpoint) for endpoint in endpoints],
                }
                for name, endpoints in desk.destinations().items()
            ]
        }

    @app.post("/api/channels/{name}/test", tags=["delivery"])
    async def test(name: Annotated[str, Field(max_length=256)]) -> dict[str, Any]:
        """Send a test message to each integration of a destination, once, and say how it went."""
        endpoints = desk.destinations().get(name)
        if endpoints is None:
            known = ", ".join(desk.destinations()) or "none"
            raise ProblemError(
                HTTPStatus.NOT_FOUND, f"there is no channel {name}; there is {known}"
            )
        results = [await _test(desk, endpoint) for endpoint in endpoints]
        return {"delivered": all(one["delivered"] for one in results), "results": results}


def _add_templates(app: FastAPI, desk: Desk) -> None:
    @app.post("/api/templates/preview", tags=["delivery"])
    async def preview(request: Preview) -> dict[str, Any]:
        """Render a sample alert; texts without a template of yours show the built-in one."""
        now = desk.clock()
        order = sample_order("preview", status=request.status, now=now, test=False)
        texts, refused = desk.previewer.preview(request.channel, request.templates, order, now=now)
        if refused:
            errors = [{"pointer": f"/templates/{k}", "reason": v} for k, v in refused.items()]
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "a template cannot be rendered", errors=errors
            )
        return {"channel": request.channel, "texts": texts}


async def _test(desk: Desk, endpoint: Endpoint) -> dict[str, Any]:
    now = desk.clock()
    order = sample_order(endpoint.receiver, status="firing", now=now, test=True)
    attempt = await desk.courier.test(order, endpoint)
    if attempt.delivered and endpoint.channel is Channel.PAGERDUTY:
        # A test must not leave an incident behind.
        over = sample_order(endpoint.receiver, status="resolved", now=now, test=True)
        attempt = await desk.courier.test(over, endpoint)
    return {
        "receiver": endpoint.receiver,
        "integration": endpoint.integration,
        "delivered": attempt.delivered,
        "reason": attempt.reason.value,
        "error": attempt.error,
        "milliseconds": desk.clock() - now,
    }


def _integration(desk: Desk, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "receiver": endpoint.receiver,
        "integration": endpoint.integration,
        "sendResolved": endpoint.send_resolved,
        "fallback": list(desk.directory.fallbacks.get(endpoint.receiver, ())),
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(round(value.timestamp() * 1000))


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "idempotencyKey": row["idempotency_key"],
        "notificationId": row["notification_id"],
        "groupKey": row["group_key"],
        "receiver": row["receiver"],
        "integration": row["integration"],
        "channel": row["channel"],
        "status": row["status"],
        "alertStatus": row["kind"],
        "alertIds": [alert["id"] for alert in row["alerts"]],
        "reason": row["reason"],
        "error": row["error"],
        "fallback": row["fallback"] or None,
        "insteadOf": row["visited"][0] if len(row["visited"]) > 1 else None,
        "attempts": row["attempts"],
        "createdAt": _time(row["created_at"]),
        "updatedAt": _time(row["updated_at"]),
        "deliveredAt": _time(row["delivered_at"]),
    }


def _failed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "alertId": row["alert_id"],
        "groupKey": row["group_key"],
        "channel": row["channel"],
        "receiver": row["receiver"],
        "status": row["status"],
        "error": row["error"],
        "attempts": row["attempts"],
        "nextAttemptAt": _time(row["next_attempt_at"]),
        "payload": row["payload"],
        "createdAt": _time(row["created_at"]),
        "updatedAt": _time(row["updated_at"]),
    }
