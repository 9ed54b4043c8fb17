"""Every type of rule: the examples of docs/rules.md, played on the running stack.

All are played at once, each by a rule and a run of its own: the events carry the times of the page,
sixty times as fast, and are posted when their time has come.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
import pytest
from blackbox.addresses import addresses
from blackbox.examples import FASTER, Example, Line, alike, examples, played
from blackbox.rest import Document, Stack
from blackbox.wait import PATIENCE_S, eventually

RULES = "/api/alert-rules"
EXAMPLES = examples()
SEEN_S = 5.0
"""So long after the engine has a rule, it takes no window for seen whole (SPIKE, ABSENCE)."""
JUDGED_S = 15.0
"""Whatever happens, a window is judged so long after its end (see the engine's README)."""


class Played(NamedTuple):
    """What came of an example."""

    rule: Document
    """As it is once all is over."""
    alerts: Sequence[Document]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Played]:
    return asyncio.run(play_all())


async def play_all() -> dict[str, Played]:
    """Play every example, all at once; return what came of each by its id."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        stack = Stack(session, addresses())
        all_played = await asyncio.gather(*(play(stack, each) for each in EXAMPLES))
    return {each.id: found for each, found in zip(EXAMPLES, all_played, strict=True)}


async def play(stack: Stack, example: Example) -> Played:
    """Make the rule, post the events once it is live, and return the alerts."""
    run = secrets.token_hex(4)
    shown = await stack.gateway.call("POST", f"{RULES}/validate", body=example.rule)
    assert shown.status == 201, shown
    document = played(example.rule, match=shown.json()["match"], run=run)
    made = await stack.gateway.call("POST", RULES, body=document)
    assert made.status == 201, made
    path = f"{RULES}/{made.json()['id']}"
    try:
        await stack.until_live(made.json()["id"])
        end = await post(stack, example, run)
        alerts = await heard(stack, made.json()["id"], example, end)
        return Played(await stack.gateway.get(path), alerts)
    finally:
        await stack.gateway.call("DELETE", path)


async def post(stack: Stack, example: Example, run: str) -> float:
    """Post the events, each when its time has come; return when their last window is over."""
    size = example.window / FASTER / 1_000
    first = min(line.at for line in example.lines)
    lead = (first - example.began) / FASTER / 1_000
    began = (time.time() + SEEN_S - lead) // size * size + size
    for line in sorted(example.lines, key=lambda line: line.at):
        at = began + (line.at - example.began) / FASTER / 1_000
        await asyncio.sleep(max(0.0, at - time.time()))
        await stack.accept([event(line, at, run)] * line.times)
    last = max(line.at for line in example.lines)
    return began + ((last - example.began) // example.window + 1) * size


def event(line: Line, at: float, run: str) -> dict[str, Any]:
    """Return an event of a run."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return {**line.event, "run": run, "timestamp": stamp.replace("+00:00", "Z")}


async def heard(stack: Stack, rule: str, example: Example, end: float) -> list[Document]:
    """Return the alerts of a rule, whole, once nothing more can come of it."""

    async def ask() -> list[Document]:
        found: list[Document] = (await stack.manager.get(f"/api/alerts?rule={rule}"))["alerts"]
        return found

    if example.reason:
        await eventually(ask, what=f"an alert of {example.id}", within=end - time.time() + 30)
    await asyncio.sleep(max(0.0, end + JUDGED_S - time.time()))
    return [await stack.manager.get(f"/api/alerts/{each['id']}") for each in await ask()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_comes_true(example: Example, outcomes: dict[str, Played]) -> None:
    found = outcomes[example.id].alerts
    if not example.reason:
        assert found == []
        return
    (alert,) = found
    fields = example.rule.get("groupBy", ["service"])
    assert ", ".join(alert["group"][field] for field in fields) == example.group
    assert alike(alert["reason"], example.reason), alert["reason"]
    assert alert["rule"]["type"] == example.rule["type"]


def test_all_twelve_types_are_seen_to_fire_and_to_be_silent() -> None:
    seen = {(example.rule["type"], bool(example.reason)) for example in EXAMPLES}
    assert len(seen) == 24
