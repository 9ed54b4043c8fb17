"""When an alert begins and ends, and who hears of too many groups, as the docs say.

Rules come in pairs that differ in one field, over the same events: what the field does is what
tells their alerts apart.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from blackbox.fixtures import Naming
from blackbox.rest import Document, Stack
from blackbox.wait import eventually

RULES = "/api/alert-rules"
SHORT = {"window": {"size": "2s", "allowedLateness": "0s"}, "resolveAfter": "1s"}


@asynccontextmanager
async def live(stack: Stack, *documents: dict[str, Any]) -> AsyncIterator[list[str]]:
    """Make rules, wait until the engine judges by them, give their ids; remove them in the end."""
    made: list[str] = []
    try:
        for document in documents:
            answer = await stack.gateway.call("POST", RULES, body=document)
            assert answer.status == 201, answer
            made.append(answer.json()["id"])
        await stack.until_live(*made)
        yield made
    finally:
        for each in made:
            await stack.gateway.call("DELETE", f"{RULES}/{each}")


async def alerts(stack: Stack, rule: str) -> list[Document]:
    """Return the alerts of a rule, whole."""
    found = (await stack.manager.get(f"/api/alerts?rule={rule}"))["alerts"]
    return [await stack.manager.get(f"/api/alerts/{each['id']}") for each in found]


async def one(stack: Stack, rule: str, status: str) -> Document:
    """Return the only alert of a rule once it has a status."""

    async def ask() -> list[Document]:
        return await alerts(stack, rule)

    def is_so(found: list[Document]) -> bool:
        return [each["status"] for each in found] == [status]

    (alert,) = await eventually(ask, is_so, what=f"one alert that is {status}")
    return alert


def ended(alert: Document) -> datetime:
    return datetime.fromisoformat(alert["endsAt"])


def hot(host: str, **change: object) -> dict[str, Any]:
    """Return a rule that fires when a host tells of more than 80 degrees."""
    return {
        "name": f"{host} {change}"[:200],
        "type": "METRIC",
        "match": f'host == "{host}"',
        "value": "attributes.celsius",
        "condition": "max > threshold",
        "threshold": 80,
        "groupBy": ["host"],
        "severity": "LOW",
        **SHORT,
        **change,
    }


def reading(host: str, celsius: int) -> dict[str, Any]:
    return {"service": "sensors", "host": host, "celsius": celsius, "message": "reading"}


async def test_an_alert_goes_on_for_keep_firing_for_after_the_last_window_that_held(
    stack: Stack, name: Naming
) -> None:
    host = name("kept")
    async with live(stack, hot(host), hot(host, keepFiringFor="12s")) as (plain, kept):
        await stack.accept([reading(host, 90)])
        first = await one(stack, plain, "resolved")
        assert first["resolvedReason"] == "no window held for 1s"
        await one(stack, kept, "firing")
        second = await one(stack, kept, "resolved")
        assert second["resolvedReason"] == "no window held for 12s"
        assert ended(second) - ended(first) >= timedelta(seconds=11)


async def test_with_keep_last_an_alert_outlasts_silence_but_not_a_window_that_does_not_hold(
    stack: Stack, name: Naming
) -> None:
    host = name("silent")
    async with live(stack, hot(host), hot(host, noData="keepLast")) as (plain, kept):
        await stack.accept([reading(host, 90)])
        await one(stack, plain, "resolved")

        async def evaluated() -> str:
            rule = await stack.gateway.get(f"{RULES}/{kept}")
            return rule["status"]["lastEvaluation"] or ""

        before = await eventually(evaluated, what="windows are judged")
        await eventually(evaluated, lambda at: at > before, what="more windows are judged")
        await one(stack, kept, "firing")
        await stack.accept([reading(host, 20)])
        over = await one(stack, kept, "resolved")
        assert over["resolvedReason"] == "no window held for 2s"  # as long as its windows are


async def test_the_owner_hears_of_groups_that_are_turned_away_until_there_are_none(
    stack: Stack, name: Naming
) -> None:
    host = name("many")
    rule = hot(host, match=f'service == "{host}"', maxGroups=2, owner="sensor-team")
    async with live(stack, rule) as (made,):
        crowd = [{**reading(f"{host}-{n}", 90), "service": host} for n in range(5)]
        await stack.accept(crowd)

        async def ask() -> list[Document]:
            return await alerts(stack, made)

        found = await eventually(ask, lambda it: len(it) == 3, what="two groups and their crowd")
        (crowded,) = (each for each in found if "owner" in each["labels"])
        assert crowded["labels"]["owner"] == "sensor-team"
        assert crowded["labels"]["alertname"].endswith("too many groups")
        assert "beyond maxGroups 2 were turned away" in crowded["reason"]

        def over(found: list[Document]) -> bool:
            return all(each["status"] == "resolved" for each in found)

        found = await eventually(ask, over, what="all of it is over")
        assert {each["resolvedReason"] for each in found} == {
            "no window held for 1s",
            "no group was turned away for 1s",
        }
