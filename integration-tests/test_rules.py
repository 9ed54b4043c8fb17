"""Rules are made, changed and removed over REST, guarded by revisions, and live within a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from blackbox.fixtures import Naming
from blackbox.rest import Answer, Document, Stack
from blackbox.wait import eventually, meanwhile

RULES = "/api/alert-rules"
KNOCK_S = 0.05


class Rules:
    """The rules of one test; they are removed behind it."""

    def __init__(self, stack: Stack) -> None:
        self._gateway = stack.gateway
        self._made: list[str] = []

    async def create(self, **document: Any) -> tuple[Document, Answer]:  # noqa: ANN401 - JSON
        answer = await self._gateway.call("POST", RULES, body=document)
        assert answer.status == 201, answer
        rule: Document = answer.json()
        self._made.append(rule["id"])
        return rule, answer

    async def remove(self) -> None:
        for rule_id in self._made:
            await self._gateway.call("DELETE", f"{RULES}/{rule_id}")


@pytest.fixture
async def rules(stack: Stack) -> AsyncIterator[Rules]:
    made = Rules(stack)
    yield made
    await made.remove()


def counting(service: str, **change: object) -> dict[str, Any]:
    """Return a rule that fires on the first event of a service."""
    return {
        "name": service,
        "type": "EVENT_COUNT",
        "match": f'service == "{service}"',
        "condition": "count > threshold",
        "threshold": 0,
        "windowMinutes": 5,
        "severity": "LOW",
        **change,
    }


def knocking(stack: Stack, service: str) -> AbstractAsyncContextManager[None]:
    """Post an event every so often, however long it takes to see what came of it.

    The first that counts tells when the rule was live.
    """
    knock = {"service": service, "message": "knock"}
    return meanwhile(partial(stack.accept, [knock]), pause=KNOCK_S)


async def test_a_fresh_install_has_three_rules(stack: Stack) -> None:
    listed = await stack.gateway.get(RULES)
    found = {(rule["type"], rule["threshold"]) for rule in listed["rules"]}
    assert {("ERROR_THRESHOLD", 100), ("LATENCY", 1000), ("SERVER_ERROR", 25)} <= found


async def test_a_rule_is_made_read_changed_and_removed(
    stack: Stack, rules: Rules, name: Naming
) -> None:
    made, answer = await rules.create(**counting(name("crud"), enabled=False))
    path = f"{RULES}/{made['id']}"
    assert answer.headers["location"].endswith(path)
    first = answer.headers["etag"]
    assert (await stack.gateway.get(path))["name"] == made["name"]
    patched = await stack.gateway.call(
        "PATCH", path, body={"threshold": 7}, headers={"If-Match": first}
    )
    assert patched.status == 200, patched
    assert patched.json()["threshold"] == 7
    assert patched.headers["etag"] != first
    replaced = await stack.gateway.call("PUT", path, body=counting(made["name"], enabled=False))
    assert (replaced.status, replaced.json()["threshold"]) == (200, 0)
    gone = await stack.gateway.call("DELETE", path)
    assert gone.status in (200, 204)
    assert (await stack.gateway.call("GET", path)).status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_on_an_older_revision_is_a_412(
    stack: Stack, rules: Rules, name: Naming, method: str
) -> None:
    made, answer = await rules.create(**counting(name("guarded"), enabled=False))
    path = f"{RULES}/{made['id']}"
    stale = {"If-Match": answer.headers["etag"]}
    await stack.gateway.call("PATCH", path, body={"threshold": 3})
    body = None if method == "DELETE" else counting(made["name"])
    refused = await stack.gateway.call(method, path, body=body, headers=stale)
    assert refused.status == 412, refused
    assert (await stack.gateway.get(path))["threshold"] == 3


@pytest.mark.parametrize("path", [RULES, f"{RULES}/validate"])
async def test_a_rule_that_cannot_compile_is_a_422_with_line_and_column(
    stack: Stack, name: Naming, path: str
) -> None:
    document = counting(name("bad"), match='service == "x" &&\n  level = "ERROR"')
    answer = await stack.gateway.call("POST", path, body=document)
    assert answer.status == 422, answer
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/match"
    assert (error["line"], error["column"]) == (2, 9)
    listed = await stack.gateway.get(f"{RULES}?q={document['name']}")
    assert listed["rules"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"type": "SORCERY"}, "/type"),
        ({"severity": "LOUD"}, "/severity"),
        ({"threshold": "many"}, "/threshold"),
        ({"windowMinutes": 0}, "/windowMinutes"),
        ({"name": ""}, "/name"),
        ({"condition": "count >"}, "/condition"),
        ({"match": 'message.matches("(")'}, "/match"),
    ],
)
async def test_a_bad_rule_names_the_field(
    stack: Stack, name: Naming, change: dict[str, object], pointer: str
) -> None:
    answer = await stack.gateway.call("POST", RULES, body=counting(name("bad"), **change))
    assert answer.status == 422, answer
    assert pointer in answer.pointers


async def test_a_new_rule_is_live_within_a_second(stack: Stack, rules: Rules, name: Naming) -> None:
    service = name("live")
    await rules.create(**counting(service))
    created = datetime.now(UTC)
    alerts = partial(stack.alerts, service)
    async with knocking(stack, service):
        (alert,) = await eventually(alerts, what="the new rule fires")
    detail = await stack.manager.get(f"/api/alerts/{alert['id']}")
    first = min(sample["event"]["timestamp"] for sample in detail["samples"])
    assert (datetime.fromisoformat(first) - created).total_seconds() <= 1


async def status_of(stack: Stack, rule: Document) -> Document:
    found: Document = (await stack.gateway.get(f"{RULES}/{rule['id']}"))["status"]
    return found


async def test_a_rule_tells_how_it_fares(stack: Stack, rules: Rules, name: Naming) -> None:
    service = name("fares")
    made, _ = await rules.create(**counting(service))

    async def status() -> Document:
        return await status_of(stack, made)

    await stack.until_live(made["id"])
    assert (await status())["health"] == "ok"
    await stack.accept([{"service": service, "message": "knock"}] * 3)
    told = await eventually(status, lambda it: it["firing"], what="it tells that it fires")
    assert (told["eventsMatched"], told["groups"], told["liveRevision"]) == (3, 1, 1)
    assert (told["lastError"], told["late"], told["surplus"]) == (None, 0, 0)
    (listed,) = (await stack.gateway.get(f"{RULES}?q={service}"))["rules"]
    assert listed["status"] == {"health": "ok", "lastError": None, "firing": 1}
    assert (await stack.gateway.call("POST", f"{RULES}/{made['id']}/disable")).status == 200
    assert (await status())["health"] == "disabled"


async def test_metrics_tell_how_a_rule_fares(stack: Stack, rules: Rules, name: Naming) -> None:
    service = name("measured")
    made, _ = await rules.create(**counting(service))

    async def figure(metric: str) -> float:
        labels = {"tenant": "default", "rule_id": made["id"]}
        return await stack.gateway.metric(f"tocsin_rule_{metric}", **labels)

    async def healthy() -> float:
        return await figure("healthy")

    async def matched() -> float:
        return await figure("events_matched_total")

    await stack.until_live(made["id"])
    await eventually(healthy, what="metrics say that it is well")
    await stack.accept([{"service": service, "message": "knock"}] * 3)
    await eventually(matched, lambda count: count == 3, what="they count its events")
    assert await figure("groups") == await figure("firing_alerts") == 1
    assert await figure("state_bytes") > 0
    assert await figure("last_evaluation_seconds") <= datetime.now(UTC).timestamp()
    assert await figure("late_events_total") == await figure("surplus_events_total") == 0


async def test_a_rule_that_fails_at_run_time_says_so_and_stops_no_other(
    stack: Stack, rules: Rules, name: Naming
) -> None:
    service = name("fails")
    failing, _ = await rules.create(
        **counting(service, condition="errors / (count - 1.0) > threshold")
    )
    sound, _ = await rules.create(**counting(service))
    await stack.until_live(failing["id"], sound["id"])
    await stack.accept([{"service": service, "message": "knock"}])

    async def failed() -> Document:
        return await status_of(stack, failing)

    told = await eventually(failed, lambda it: it["health"] == "error", what="it tells that")
    assert "division" in told["lastError"]
    alerts = partial(stack.alerts, service)
    (alert,) = await eventually(alerts, what="the other one fires")
    assert alert["rule"]["id"] == sound["id"]
    assert (await status_of(stack, sound))["health"] == "ok"


async def test_another_threshold_keeps_the_alert_and_another_severity_ends_it(
    stack: Stack, rules: Rules, name: Naming
) -> None:
    service = name("edited")
    made, _ = await rules.create(**counting(service))
    path = f"{RULES}/{made['id']}"
    await stack.until_live(made["id"])
    await stack.accept([{"service": service, "message": "knock"}] * 3)
    alerts = partial(stack.alerts, service)
    (first,) = await eventually(alerts, what="it fires")

    async def now() -> Document:
        found: Document = await stack.manager.get(f"/api/alerts/{first['id']}")
        return found

    assert (await stack.gateway.call("PATCH", path, body={"threshold": 2})).status == 200
    await stack.until_live(made["id"])
    assert (await now())["status"] == "firing"
    assert (await stack.gateway.call("PATCH", path, body={"severity": "HIGH"})).status == 200
    over = await eventually(now, lambda it: it["status"] == "resolved", what="the alert is over")
    assert over["resolvedReason"] == "the rule was changed: it starts anew"


async def test_a_rule_that_is_disabled_ends_its_alert_and_counts_again_once_it_is_enabled(
    stack: Stack, rules: Rules, name: Naming
) -> None:
    """Each within a second."""
    service = name("switch")
    made, _ = await rules.create(**counting(service))
    path = f"{RULES}/{made['id']}"
    alerts = partial(stack.alerts, service)
    async with knocking(stack, service):
        (first,) = await eventually(alerts, what="the rule fires")

    async def now() -> Document:
        found: Document = await stack.manager.get(f"/api/alerts/{first['id']}")
        return found

    assert (await stack.gateway.call("POST", f"{path}/disable")).status == 200
    disabled = datetime.now(UTC)
    assert (await stack.gateway.get(path))["enabled"] is False
    over = await eventually(now, lambda it: it["status"] == "resolved", what="the alert is over")
    assert over["resolvedReason"] == "the rule was disabled"
    assert (datetime.fromisoformat(over["endsAt"]) - disabled).total_seconds() <= 1
    assert (await stack.gateway.call("POST", f"{path}/enable")).status == 200
    enabled = datetime.now(UTC)
    async with knocking(stack, service):
        found = await eventually(alerts, lambda all_: len(all_) == 2, what="it fires again")
    (again,) = [each for each in found if each["id"] != first["id"]]
    detail = await stack.manager.get(f"/api/alerts/{again['id']}")
    begun = min(sample["event"]["timestamp"] for sample in detail["samples"])
    assert (datetime.fromisoformat(begun) - enabled).total_seconds() <= 1


async def test_every_revision_is_kept(stack: Stack, rules: Rules, name: Naming) -> None:
    made, _ = await rules.create(**counting(name("history"), enabled=False))
    path = f"{RULES}/{made['id']}"
    await asyncio.gather(
        *(stack.gateway.call("PATCH", path, body={"threshold": number}) for number in (1, 2, 3))
    )
    revisions = (await stack.gateway.get(f"{path}/revisions"))["revisions"]
    assert len(revisions) == 4
