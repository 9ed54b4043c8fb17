"""The REST API: what fired, why, who took it."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Body, Depends, FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alert_contracts.rules import Severity
from alert_manager import handlers
from alert_manager.domain.dedup import ConflictError, State
from alert_manager.domain.history import AlertRecord
from alert_manager.entrypoints import views
from alert_manager.handlers import Desk
from alert_manager.ports import TENANT, AlertFilter
from service_runtime.health import Health
from service_runtime.web import ProblemError, create_app

T = TypeVar("T")
MAX_PAGE: Final = 500
DESCRIPTION: Final = "Alerts: their history, and why you were, or were not, paged."
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
AlertId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


class Person(BaseModel):
    """Who asks, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    by: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")
    comment: str = Field(default="", max_length=2_000, pattern=r"^[^\x00]*$")


def _person(person: Annotated[Person | None, Body()] = None) -> Person:
    if person is None:
        wrong = [{"pointer": "/by", "reason": 'say who you are: {"by": "..."}'}]
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not valid", errors=wrong
        )
    return person


Asking = Annotated[Person, Depends(_person)]


class Filters(BaseModel):
    """Which alerts to list; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    status: list[str] = Field(default=[], max_length=10)
    severity: list[str] = Field(default=[], max_length=10)
    rule: Text | None = None
    service: Text | None = None
    label: list[Text] = Field(default=[], max_length=20)
    since: Text | None = None
    until: Text | None = None
    q: Text | None = None
    cursor: Text | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


def build_app(desk: Desk, health: Health) -> FastAPI:
    """Return the application."""
    app = create_app("Tocsin alert manager", DESCRIPTION, health)
    app.include_router(_router(desk))
    return app


def _router(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/api/alerts", tags=["alerts"])

    @router.get("")
    async def list_alerts(filters: Annotated[Filters, Query()]) -> dict[str, Any]:
        """Alerts, newest first; `nextCursor` leads to the next page."""
        wanted = to_filter(filters)
        found = await desk.history.search(TENANT, wanted)
        more = len(found) == wanted.limit
        return {
            "alerts": [views.summary(record) for record in found],
            "nextCursor": to_cursor(found[-1]) if more else None,
        }

    @router.get("/{alert_id}")
    async def get_alert(alert_id: AlertId) -> dict[str, Any]:
        """One alert with all its evidence, and how long each stage took."""
        return views.detail(_known(alert_id, await desk.history.find(TENANT, alert_id)))

    @router.get("/{alert_id}/timeline")
    async def get_timeline(alert_id: AlertId, limit: Limit = MAX_PAGE) -> dict[str, Any]:
        """Every decision about the alert with its reason, oldest first; repeats are counted."""
        _known(alert_id, await desk.history.find(TENANT, alert_id))
        entries = await desk.history.timeline(TENANT, alert_id, limit=limit)
        return {"entries": [views.entry(one) for one in entries]}

    @router.post("/{alert_id}/ack")
    async def acknowledge(alert_id: AlertId, person: Asking) -> dict[str, Any]:
        """Take the alert: no more reminders. 409 if it is over.

        Of one that is taken already only the comment is kept.
        """
        request = handlers.Request(alert_id, by=person.by, comment=person.comment)
        try:
            record = await handlers.acknowledge(desk, request)
        except ConflictError as exc:
            raise ProblemError(HTTPStatus.CONFLICT, str(exc)) from exc
        return views.detail(_known(alert_id, record))

    @router.post("/{alert_id}/resolve")
    async def resolve(alert_id: AlertId, person: Asking) -> dict[str, Any]:
        """Declare the alert over; whoever heard of it is told.

        Of one that is over already only the comment is kept.
        """
        request = handlers.Request(alert_id, by=person.by, comment=person.comment)
        return views.detail(_known(alert_id, await handlers.resolve(desk, request)))

    return router


def _known(alert_id: str, record: AlertRecord | None) -> AlertRecord:
    if record is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no alert {alert_id}")
    return record


def to_filter(filters: Filters) -> AlertFilter:
    """Return what to search for.

    Raises:
        ProblemError: 422, with every value that cannot be understood.
    """
    wrong: list[dict[str, Any]] = []
    states = _all(wrong, "status", filters.status, lambda text: State(text.lower()))
    severities = _all(wrong, "severity", filters.severity, lambda text: Severity(text.upper()))
    wanted = AlertFilter(
        states=states,
        severities=severities,
        rule=filters.rule,
        service=filters.service,
        labels=_all(wrong, "label", filters.label, to_label),
        since=_one(wrong, "since", filters.since, to_moment),
        until=_one(wrong, "until", filters.until, to_moment),
        text=filters.q,
        after=_one(wrong, "cursor", filters.cursor, from_cursor),
        limit=filters.limit,
    )
    if wrong:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "the query is not valid", errors=wrong)
    return wanted


def _all(
    wrong: list[dict[str, Any]], name: str, values: Iterable[str], parse: Callable[[str], T]
) -> tuple[T, ...]:
    """Return the values that can be understood, and list those that cannot in `wrong`."""
    found: list[T] = []
    for value in values:
        try:
            found.append(parse(value))
        except (ValueError, OverflowError):
            wrong.append({"pointer": f"/query/{name}", "reason": f"must be {_WANTED[name]}"})
    return tuple(found)


def _one(
    wrong: list[dict[str, Any]], name: str, value: str | None, parse: Callable[[str], T]
) -> T | None:
    found = _all(wrong, name, () if value is None else (value,), parse)
    return found[0] if found else None


_WANTED: Final = {
    "status": "firing, acknowledged or resolved",
    "severity": "one of " + ", ".join(Severity),
    "label": "name=value",
    "since": "RFC 3339, such as 2026-01-31T10:00:00Z, or epoch milliseconds",
    "until": "RFC 3339, such as 2026-01-31T10:00:00Z, or epoch milliseconds",
    "cursor": "the nextCursor of the page before",
}


def to_label(text: str) -> tuple[str, str]:
    """Return name and value of `name=value`."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise ValueError(text)
    return name, value


def to_moment(text: str) -> int:
    """Return epoch milliseconds; a time without a zone is UTC."""
    if text.isdecimal():
        at = int(text)
    else:
        parsed = datetime.fromisoformat(text)
        at = int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)
    if not 0 <= at < 2**53:
        raise ValueError(text)
    return at


def to_cursor(record: AlertRecord) -> str:
    """Return an opaque name of the place after an alert."""
    place = msgspec.json.encode((record.alert.starts_at, record.standing.id))
    return base64.urlsafe_b64encode(place).decode()


def from_cursor(text: str) -> tuple[int, str]:
    """Return the place that a cursor names."""
    try:
        raw = base64.urlsafe_b64decode(text)
        return msgspec.json.decode(raw, type=tuple[int, str])
    except (binascii.Error, msgspec.DecodeError) as exc:
        raise ValueError(text) from exc
