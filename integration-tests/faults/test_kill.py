"""`kill -9` of any one process in the midst of the alert flow: still exactly three alerts."""

import asyncio

import pytest
from blackbox import processes
from blackbox.fixtures import Naming
from blackbox.flow import channels_of, deliver, deliveries, make_flow, three_alerts
from blackbox.processes import Processes
from blackbox.rest import Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import eventually

RECOVERY_S = 120.0
NAMES = (
    "api-gateway",
    "rule-evaluate",
    "rule-aggregate",
    "alert-manager",
    "notification-service",
    "kafka",
    "redis",
    "postgres",
)


@pytest.mark.parametrize("victim", NAMES)
async def test_a_process_is_killed_and_still_three_alerts_arrive(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming, victim: str
) -> None:
    flow = make_flow(name)
    before = 0
    for number, events in enumerate(flow.batches):
        if number == len(flow.batches) - 2:
            before = processes.kill(processes_of, victim)
        await deliver(stack, events, key=f"{flow.failing}-{number}", within=RECOVERY_S)

    async def another_pid() -> bool:
        pid = await asyncio.to_thread(processes_of.pid, victim)
        return pid not in (0, before)

    await eventually(another_pid, what=f"{victim} is started again", within=RECOVERY_S)
    for alert in await three_alerts(stack, flow, within=RECOVERY_S):
        service = alert["labels"]["service"]
        for channel in channels_of(alert):
            await deliveries(sink, service, channel, within=RECOVERY_S)
    await three_alerts(stack, flow)
    await check_deliveries(sink, flow.services, died_between_send_and_mark=victim == NAMES[4])


async def check_deliveries(
    sink: SinkClient, services: tuple[str, ...], *, died_between_send_and_mark: bool
) -> None:
    """Each message came once; twice, under one key, only if the notifier itself died."""
    for service in services:
        for channel in ("slack", "pagerduty"):
            received = await sink.received(service, channel=channel, delivered=True)
            keys = [one["idempotencyKey"] for one in received]
            assert len(set(keys)) <= 1, received
            assert len(keys) <= (2 if died_between_send_and_mark else 1), received
