"""The REST API over a real socket, on fakes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import pytest

from alert_contracts.alerts import RuleRef, Sample, WindowSpan
from alert_contracts.events import Event
from alert_contracts.rules import RuleType, Severity
from alert_manager import handlers
from alert_manager.entrypoints.http import build_app
from alert_manager.testing import HOUR, MINUTE, NOON, World, an_alert
from service_runtime.health import Health
from service_runtime.web import listen, serve


class Client:
    """Asks, and expects a status."""

    def __init__(self, session: aiohttp.ClientSession, base: str, world: World) -> None:
        self._session = session
        self._base = base
        self.world = world
        self.desk = world.desk

    async def ask(
        self,
        path: str,
        *,
        body: object = None,
        status: int = 200,
    ) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        return await self._expect(method, path, status, json=body)

    async def post_nothing(self, path: str, *, status: int) -> dict[str, Any]:
        return await self._expect("POST", path, status)

    async def _expect(self, method: str, path: str, status: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        async with self._session.request(method, self._base + path, **more) as response:
            found: dict[str, Any] = await response.json(content_type=None)
            assert response.status == status, found
            return found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    world = World()
    stop = asyncio.Event()
    sock = listen("127.0.0.1", 0)
    app = build_app(world.desk, Health("alert-manager", ready=True))
    running = asyncio.create_task(serve(app, sock, stop))
    async with aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{sock.getsockname()[1]}", world)
    stop.set()
    await running


ALERT = an_alert()


async def test_an_alert_is_shown_with_its_evidence_and_its_way(client: Client) -> None:
    await handlers.take_in(client.desk, [ALERT])
    shown = await client.ask(f"/api/alerts/{ALERT.id}")
    assert shown["status"] == "firing"
    assert shown["severity"] == "CRITICAL"
    assert shown["rule"] == {
        "id": "r1",
        "name": "High Error Rate",
        "type": "ERROR_THRESHOLD",
        "revision": 1,
    }
    assert shown["counts"] == {"count": 101.0}
    assert shown["receivers"] == ["pagerduty", "slack"]
    assert shown["sources"] == [{"partition": 3, "firstOffset": 11, "lastOffset": 17}]
    (sample,) = shown["samples"]
    assert (sample["offset"], sample["role"]) == (17, "other")
    assert (shown["lateBy"], shown["found"], shown["resolvedReason"]) == (0, {}, None)
    assert sample["event"] == {
        "timestamp": "2026-09-21T14:14:20.000Z",
        "service": "checkout",
        "message": "boom",
    }
    assert shown["startsAt"] == "2026-09-21T14:14:20.000Z"
    assert shown["endsAt"] is None
    assert shown["stages"]["delivered"] is None
    assert shown["latencyMs"]["acceptedToDecided"] == 20


async def test_alerts_are_listed_page_by_page(client: Client) -> None:
    alerts = [an_alert(window=NOON + n * MINUTE, service=f"s{n}") for n in range(5)]
    await handlers.take_in(client.desk, alerts)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await client.ask(f"/api/alerts?limit=2{cursor and '&cursor=' + cursor}")
        seen += [alert["labels"]["service"] for alert in page["alerts"]]
        cursor = page["nextCursor"]
    assert seen == ["s4", "s3", "s2", "s1", "s0"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?status=firing&status=acknowledged", 2),
        ("?status=resolved", 0),
        ("?severity=low", 1),
        ("?severity=LOW&status=FIRING", 1),
        ("?severity=Low&status=Firing", 1),
        ("?rule=r1&service=search", 1),
        ("?label=service=search&label=severity=low", 1),
        ("?since=2026-09-21T14:14:20Z&until=2026-09-21T14:14:20.001", 1),
        (f"?since={NOON}&until={NOON + HOUR}", 2),
        ("?q=RATE", 2),
    ],
)
async def test_filters_narrow_the_list(client: Client, query: str, count: int) -> None:
    low = an_alert(service="search", severity=Severity.LOW, window=NOON + MINUTE)
    await handlers.take_in(client.desk, [ALERT, low])
    assert len((await client.ask("/api/alerts" + query))["alerts"]) == count


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=open", "/query/status"),
        ("severity=huge", "/query/severity"),
        ("label=nothing", "/query/label"),
        ("label==x", "/query/label"),
        ("since=yesterday", "/query/since"),
        ("until=99999999999999999999", "/query/until"),
        ("until=-1", "/query/until"),
        ("cursor=zzz", "/query/cursor"),
        ("cursor=eyJhIjoxfQ==", "/query/cursor"),
        ("limit=501", "/query/limit"),
        ("service=a%00b", "/query/service"),
        ("colour=red", "/query/colour"),
    ],
)
async def test_a_query_that_makes_no_sense_is_named(
    client: Client, query: str, pointer: str
) -> None:
    problem = await client.ask(f"/api/alerts?{query}", status=422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_the_timeline_says_why(client: Client) -> None:
    await handlers.take_in(client.desk, [ALERT])
    await handlers.take_in(client.desk, [an_alert("updated", 2), an_alert("updated", 3)])
    answer = await client.ask(f"/api/alerts/{ALERT.id}/timeline")
    rows = [(row["reason"], row["times"]) for row in answer["entries"]]
    assert rows == [("first_seen", 1), ("duplicate", 2)]
    newest = await client.ask(f"/api/alerts/{ALERT.id}/timeline?limit=1")
    assert [row["reason"] for row in newest["entries"]] == ["duplicate"]


async def test_what_is_not_there_is_a_404(client: Client) -> None:
    ada = {"by": "ada"}
    for path, body in (("", None), ("/timeline", None), ("/ack", ada), ("/resolve", ada)):
        problem = await client.ask(f"/api/alerts/nothing{path}", body=body, status=404)
        assert problem["detail"] == "there is no alert nothing"


async def test_people_take_and_end_alerts(client: Client) -> None:
    await handlers.take_in(client.desk, [ALERT])
    path = f"/api/alerts/{ALERT.id}"
    for by in ("ada", "bob"):
        taken = await client.ask(path + "/ack", body={"by": by, "comment": "looking"})
        assert (taken["status"], taken["acknowledgedBy"]) == ("acknowledged", "ada")
    for by in ("bob", "ada"):
        ended = await client.ask(path + "/resolve", body={"by": by})
        assert (ended["status"], ended["resolvedBy"]) == ("resolved", "bob")
    problem = await client.ask(path + "/ack", body={"by": "ada"}, status=409)
    assert "resolved" in problem["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"by": " "}, {"by": "a\x00"}, {"by": "x" * 201}, {"by": "ada", "why": "?"}]
)
async def test_whoever_asks_says_who_they_are(client: Client, body: dict[str, str]) -> None:
    await client.ask("/api/alerts/x/ack", body=body, status=422)


@pytest.mark.parametrize("verb", ["ack", "resolve"])
async def test_a_request_without_a_body_is_told_what_is_missing(client: Client, verb: str) -> None:
    await handlers.take_in(client.desk, [ALERT])
    problem = await client.post_nothing(f"/api/alerts/{ALERT.id}/{verb}", status=422)
    assert problem["errors"] == [{"pointer": "/by", "reason": 'say who you are: {"by": "..."}'}]


async def test_an_alert_of_any_type_is_shown_with_what_it_found(client: Client) -> None:
    roles: list[Literal["first", "crossing", "last", "other"]] = ["first", "crossing", "last"]
    samples = [Sample(Event(NOON, "checkout", "x" * 200_000), 0, n, r) for n, r in enumerate(roles)]
    for number, kind in enumerate(RuleType):
        alert = an_alert(
            service=f"s{number}",
            rule=RuleRef("r1", "Any", kind, 1),
            span=WindowSpan(NOON, NOON + HOUR, "hopping"),
            aggregates={"count": 0.0, "distinct": 12.0, "previous.count": 3.0},
            threshold=None,
            found={"old": "1.4", "new": "1.5"},
            late_by=1_200,
            samples=samples if number % 2 else [],
            group={"service": f"s{number}"} if number % 3 else {},
            reason="no data",
        )
        await handlers.take_in(client.desk, [alert])
        shown = await client.ask(f"/api/alerts/{alert.id}")
        assert shown["rule"]["type"] == kind
        assert shown["window"]["kind"] == "hopping"
        assert shown["counts"] == {"count": 0.0, "distinct": 12.0, "previous.count": 3.0}
        assert (shown["found"], shown["lateBy"]) == ({"old": "1.4", "new": "1.5"}, 1_200)
        assert [one["role"] for one in shown["samples"]] == (roles if number % 2 else [])
        assert (shown["group"] == {}) == (number % 3 == 0)


async def test_an_alert_tells_of_how_many_events_it_was_once_the_engine_has_ended_it(
    client: Client,
) -> None:
    await handlers.take_in(client.desk, [ALERT])
    path = f"/api/alerts/{ALERT.id}"
    assert (await client.ask(path))["events"] is None
    await handlers.take_in(client.desk, [an_alert("resolved", 2, events=712)])
    shown = await client.ask(path)
    assert (shown["counts"], shown["events"]) == ({"count": 102.0}, 712)
    await handlers.take_in(client.desk, [silent := an_alert("resolved", service="mute")])
    assert (await client.ask(f"/api/alerts/{silent.id}"))["events"] == 0


async def test_a_resolved_alert_still_says_why_it_fired(client: Client) -> None:
    quiet = an_alert("resolved", 2, reason="quiet for 5m")
    await handlers.take_in(client.desk, [ALERT, quiet])
    (shown,) = (await client.ask("/api/alerts?q=quiet"))["alerts"]
    assert (shown["reason"], shown["resolvedReason"]) == (ALERT.reason, "quiet for 5m")


async def test_without_the_history_the_answer_is_503(client: Client) -> None:
    client.world.history.away = True
    await client.ask("/api/alerts", status=503)
