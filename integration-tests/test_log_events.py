"""What lands in `log-events` can be read by a person with a console consumer."""

import asyncio
import json
from contextlib import closing

from blackbox.fixtures import Naming
from blackbox.rest import Stack
from blackbox.topic import Tail


async def test_an_accepted_event_is_a_readable_line(stack: Stack, name: Naming) -> None:
    service = name("readable")
    with closing(await asyncio.to_thread(Tail, stack.where.kafka, "log-events")) as tail:
        await stack.accept(
            [
                {"service": service, "message": "grüße", "level": "warn", "responseTime": 12.5},
                {"source": service, "message": "second", "colour": "blue"},
            ]
        )
        (value,) = await asyncio.to_thread(tail.values, service, count=1)
    first, second = map(json.loads, value.splitlines())
    assert '"message":"grüße"' in value
    assert first["level"] == "WARN"
    assert isinstance(first["timestamp"], int)
    assert (second["service"], second["attributes"]) == (service, {"colour": "blue"})


async def test_a_single_event_is_accepted_and_lands_there_too(stack: Stack, name: Naming) -> None:
    service = name("single")
    with closing(await asyncio.to_thread(Tail, stack.where.kafka, "log-events")) as tail:
        answer = await stack.gateway.call(
            "POST", "/api/logs", body={"service": service, "message": "alone"}
        )
        assert (answer.status, answer.json()) == (202, {"accepted": 1})
        (value,) = await asyncio.to_thread(tail.values, service, count=1)
    assert any(json.loads(line)["service"] == service for line in value.splitlines())
