"""The alert flow: three services go wrong in three ways, which makes exactly three alerts."""

import asyncio
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

import aiohttp

from blackbox.events import Events, errors, moment, server_errors, slow
from blackbox.rest import Document, Stack
from blackbox.sink_client import Received, SinkClient
from blackbox.wait import PATIENCE_S, eventually

BATCH = 15
RETRY_S = 0.2
TRY_AGAIN = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


class Flow(NamedTuple):
    """The services of one flow, and the batches that make each of them an alert."""

    failing: str
    slow: str
    broken: str
    batches: Sequence[Events]

    @property
    def services(self) -> tuple[str, str, str]:
        return self.failing, self.slow, self.broken


def make_flow(name: Callable[[str], str]) -> Flow:
    """Return a flow over fresh services: 120 errors, 60 slow requests, 30 server errors."""
    at = moment()
    services = name("payments"), name("search"), name("checkout")
    events = [
        *errors(services[0], 120, at=at),
        *slow(services[1], 60, at=at),
        *server_errors(services[2], 30, at=at),
    ]
    mixed = [event for start in range(7) for event in events[start::7]]
    batches = [mixed[start : start + BATCH] for start in range(0, len(mixed), BATCH)]
    return Flow(*services, batches)


async def deliver(stack: Stack, events: Events, *, key: str, within: float = PATIENCE_S) -> None:
    """Post a batch as a careful client does: again, under the same key, until it is accepted.

    Raises AssertionError when it is refused for good, or not accepted in time.
    """
    deadline = time.monotonic() + within
    last: object = None
    while time.monotonic() < deadline:
        try:
            answer = await stack.post(events, key=key)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            last = exc
        else:
            if answer.status == HTTPStatus.ACCEPTED:
                return
            assert answer.status in TRY_AGAIN, answer
            last = answer
        await asyncio.sleep(RETRY_S)
    message = f"not accepted within {within:g} s: {last!r}"
    raise AssertionError(message)


async def three_alerts(stack: Stack, flow: Flow, *, within: float = PATIENCE_S) -> list[Document]:
    """Return the alerts of the flow's services, once each of them has one."""

    async def ask() -> list[list[Document]]:
        return [await stack.alerts(service) for service in flow.services]

    found = await eventually(ask, all, what="an alert for each service", within=within)
    assert [len(alerts) for alerts in found] == [1, 1, 1], found
    return [alerts[0] for alerts in found]


async def deliveries(
    sink: SinkClient, service: str, channel: str, *, within: float = PATIENCE_S
) -> list[Received]:
    """Return what the channel has taken about the service, once there is anything."""

    async def ask() -> list[Received]:
        return await sink.received(service, channel=channel, delivered=True)

    return await eventually(ask, what=f"{channel} hears about {service}", within=within)


def channels_of(alert: Document) -> tuple[str, ...]:
    """Return where the shipped configuration sends an alert."""
    return ("slack", "pagerduty") if alert["severity"] == "CRITICAL" else ("slack",)
