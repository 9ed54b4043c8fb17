"""Who cannot be heard is not silent: only a gateway that is there makes an absence."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from typing import Any

import aiohttp
from blackbox.fixtures import Naming
from blackbox.processes import Processes, stopped
from blackbox.rest import Document, Stack
from blackbox.wait import eventually, meanwhile

RULES = "/api/alert-rules"
PAUSE_S = 0.5
OUTAGE_S = 15.0
"""Three windows, of which the first would be judged meanwhile."""


def heartbeats(stack: Stack, service: str) -> AbstractAsyncContextManager[None]:
    """Post an event each half second, and none again that could not be posted."""

    async def beat() -> None:
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            await stack.post([{"service": service, "message": "heartbeat"}])

    return meanwhile(beat, pause=PAUSE_S)


async def watch(stack: Stack, service: str) -> str:
    """Make a rule that fires when a service is silent for five seconds; return its path."""
    answer = await stack.gateway.call(
        "POST",
        RULES,
        body={
            "name": service,
            "type": "ABSENCE",
            "match": f'service == "{service}"',
            "window": {"size": "5s", "allowedLateness": "0s"},
            "severity": "LOW",
        },
    )
    assert answer.status == 201, answer
    return f"{RULES}/{answer.json()['id']}"


async def test_a_gateway_that_is_away_makes_nobody_absent_and_one_that_is_there_does(
    stack: Stack, processes_of: Processes, name: Naming
) -> None:
    service = name("beats")
    path = await watch(stack, service)

    async def status() -> Document:
        found: Document = (await stack.gateway.get(path))["status"]
        return found

    async def alerts() -> list[Any]:
        return await stack.alerts(service)

    try:
        async with heartbeats(stack, service):
            await eventually(status, lambda it: it["eventsMatched"] >= 10, what="events count")
            async with stopped(processes_of, "api-gateway"):
                await asyncio.sleep(OUTAGE_S)
            told = await eventually(status, lambda it: it["blindUntil"], what="it says it is blind")
            until = datetime.fromisoformat(told["blindUntil"])

            def sees(told: Document) -> bool:
                return not told["blindUntil"] and moment(told["lastEvaluation"]) > until

            await eventually(status, sees, what="it has judged a window that it saw whole")
            assert await alerts() == []
        (alert,) = await eventually(alerts, what="who is silent is absent")
        assert alert["reason"] == "no events for 5s"
    finally:
        await stack.gateway.call("DELETE", path)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
