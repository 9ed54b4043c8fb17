"""The REST API's shapes and errors."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from alert_contracts.notifications import Notification
from notification_service.domain.circuit import Readiness
from notification_service.domain.directory import Channel
from notification_service.domain.outcome import Attempt, Reason
from notification_service.entrypoints.http import Desk, make_app
from notification_service.testing import (
    FakeCircuits,
    FakeClock,
    FakeCourier,
    FakeLedger,
    directory,
    endpoint,
)
from service_runtime.health import Health

AT = datetime(2026, 1, 31, 10, 0, 0, 123_000, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": 7,
    "idempotency_key": "n:slack:slack[0]",
    "notification_id": "n",
    "group_key": "g",
    "receiver": "slack",
    "integration": "slack[0]",
    "channel": "slack",
    "status": "DELIVERED",
    "kind": "firing",
    "alerts": [{"id": "a"}],
    "reason": "ok",
    "error": "",
    "fallback": "",
    "visited": ["pager", "slack"],
    "attempts": 1,
    "created_at": AT,
    "updated_at": AT,
    "delivered_at": None,
}
FAILED: dict[str, Any] = {
    "id": 7,
    "alert_id": "a",
    "group_key": "g",
    "channel": "slack",
    "receiver": "slack",
    "status": "PENDING",
    "error": "server_error: answered 503",
    "attempts": 3,
    "next_attempt_at": AT,
    "payload": {"id": "n"},
    "created_at": AT,
    "updated_at": AT,
}


class FakePreviewer:
    """Shows the templates themselves; the text `bad` is refused."""

    def preview(
        self, channel: Channel, templates: Mapping[str, str], order: Notification, *, now: int
    ) -> tuple[dict[str, str], dict[str, str]]:
        _ = channel, order, now
        refused = {name: "it is bad" for name, text in templates.items() if text == "bad"}
        return {"title": "built in", **templates}, refused


class Bench:
    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.courier = FakeCourier()
        self.woken = 0
        book = directory(endpoint("slack"), endpoint("pager", Channel.PAGERDUTY), pager=("slack",))
        self.desk = Desk(
            ledger=self.ledger,
            circuits=FakeCircuits({"slack": Readiness.OPEN, "pagerduty": Readiness.SHUT}),
            courier=self.courier,
            previewer=FakePreviewer(),
            directory=book,
            hosts={"slack/slack[0]": "hooks.example.com"},
            wake=self._wake,
            clock=FakeClock(),
        )
        self.app = make_app(self.desk, Health("notification-service"))

    def _wake(self) -> None:
        self.woken += 1

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:  # noqa: ANN401
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, **options)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_circuits_have_the_shape_that_operators_know(bench: Bench) -> None:
    answer = await bench.ask("GET", "/actuator/circuitbreakers")
    assert answer.json()["circuitBreakers"]["slack"] == {
        "state": "CLOSED",
        "failureRate": "12.5%",
        "failedCalls": 1,
        "bufferedCalls": 8,
        "notPermittedCalls": 0,
        "openedAt": None,
    }
    assert answer.json()["circuitBreakers"]["pagerduty"]["state"] == "OPEN"


async def test_attempts_are_listed_with_their_story(bench: Bench) -> None:
    bench.ledger.rows = [ROW]
    answer = await bench.ask("GET", "/api/notifications?status=Delivered&alert=a")
    (shown,) = answer.json()["notifications"]
    assert (shown["id"], shown["insteadOf"], shown["fallback"]) == ("7", "pager", None)
    assert shown["createdAt"] == "2026-01-31T10:00:00.123Z"
    assert answer.json()["nextCursor"] is None
    assert bench.ledger.asked == [({"status": "DELIVERED", "alert": "a"}, None)]


async def test_a_page_that_is_full_names_the_next(bench: Bench) -> None:
    bench.ledger.rows = [{**ROW, "id": id_} for id_ in (9, 8, 7)]
    answer = (await bench.ask("GET", "/api/notifications?limit=2")).json()
    assert ([one["id"] for one in answer["notifications"]], answer["nextCursor"]) == (
        ["9", "8"],
        "8",
    )
    rest = (await bench.ask("GET", "/api/notifications?limit=2&cursor=8")).json()
    assert ([one["id"] for one in rest["notifications"]], rest["nextCursor"]) == (["7"], None)


async def test_what_is_owed_is_listed(bench: Bench) -> None:
    bench.ledger.rows = [FAILED]
    answer = await bench.ask("GET", "/api/notifications/failed?status=pending&channel=Slack")
    (shown,) = answer.json()["notifications"]
    assert (shown["alertId"], shown["nextAttemptAt"]) == ("a", "2026-01-31T10:00:00.123Z")


@pytest.mark.parametrize(
    ("id_", "status"), [("1", 202), ("2", 202), ("3", 409), ("4", 404), ("x", 422)]
)
async def test_only_what_is_owed_or_dead_can_be_retried(
    bench: Bench, id_: str, status: int
) -> None:
    bench.ledger.statuses = {1: "PENDING", 2: "DEAD", 3: "DELIVERED"}
    answer = await bench.ask("POST", f"/api/notifications/{id_}/retry")
    assert answer.status_code == status
    assert bench.woken == (1 if status == 202 else 0)


async def test_everything_that_failed_can_be_retried_at_once(bench: Bench) -> None:
    bench.ledger.statuses = {1: "PENDING", 2: "DEAD"}
    answer = await bench.ask("POST", "/api/notifications/failed/retry?channel=slack")
    assert (answer.status_code, answer.json()) == (202, {"retried": 2})
    assert bench.ledger.asked == [({"channel": "slack"}, None)]


async def test_channels_are_listed_without_their_secrets(bench: Bench) -> None:
    slack, pager = (await bench.ask("GET", "/api/channels")).json()["channels"]
    assert (slack["name"], slack["state"], slack["host"]) == (
        "slack",
        "CLOSED",
        "hooks.example.com",
    )
    assert pager["integrations"][0]["fallback"] == ["slack"]


async def test_a_test_message_is_sent_and_leaves_no_incident(bench: Bench) -> None:
    answer = (await bench.ask("POST", "/api/channels/pagerduty/test")).json()
    assert answer["delivered"] is True
    assert [name for name, _ in bench.courier.sent] == ["pager/pagerduty[0]"] * 2
    assert [key.rpartition("-")[2] for _, key in bench.courier.sent] == ["firing", "resolved"]


async def test_a_test_that_fails_says_why(bench: Bench) -> None:
    bench.courier.answers = {"slack/slack[0]": [Attempt(Reason.AUTH_ERROR, 1, "answered 403")]}
    answer = (await bench.ask("POST", "/api/channels/slack/test")).json()
    assert answer["delivered"] is False
    assert answer["results"][0]["reason"] == "auth_error"


async def test_an_unknown_channel_is_told_what_there_is(bench: Bench) -> None:
    answer = await bench.ask("POST", "/api/channels/fax/test")
    assert answer.status_code == 404
    assert "slack, pagerduty" in answer.json()["detail"]


async def test_templates_can_be_tried_out(bench: Bench) -> None:
    request = {"channel": "slack", "templates": {"text": "mine"}, "status": "resolved"}
    answer = await bench.ask("POST", "/api/templates/preview", json=request)
    assert answer.json()["texts"] == {"title": "built in", "text": "mine"}


async def test_a_refused_template_is_named(bench: Bench) -> None:
    request = {"channel": "slack", "templates": {"text": "bad"}}
    answer = await bench.ask("POST", "/api/templates/preview", json=request)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/templates/text", "reason": "it is bad"}]
    assert answer.headers["content-type"] == "application/problem+json"
