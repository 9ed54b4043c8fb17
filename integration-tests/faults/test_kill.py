"""`kill -9` of any one process in the midst of the alert flow: still exactly three alerts."""

import asyncio

import pytest
from blackbox import processes
from blackbox.events import room
from blackbox.fixtures import Naming
from blackbox.flow import Flow, channels_of, deliver, deliveries, make_flow, three_alerts
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
DECIDING = ("rule-aggregate", "alert-manager", "notification-service")
"""Those that hold an alert in their hands once its last log is in."""


async def post(stack: Stack, flow: Flow, batches: slice) -> None:
    for number in range(len(flow.batches))[batches]:
        key = f"{flow.failing}-{number}"
        await deliver(stack, flow.batches[number], key=key, within=RECOVERY_S)


@pytest.mark.parametrize("victim", NAMES)
async def test_a_process_dies_amid_the_logs_and_still_three_alerts_arrive(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming, victim: str
) -> None:
    await room()
    flow = make_flow(name)
    await post(stack, flow, slice(0, -2))
    before = await asyncio.to_thread(processes.kill, processes_of, victim)
    await post(stack, flow, slice(-2, None))
    await started_again(processes_of, victim, before)
    await all_is_delivered(stack, sink, flow, notifier_died=victim == "notification-service")


@pytest.mark.parametrize("victim", DECIDING)
async def test_a_process_dies_amid_the_alerts_and_still_each_is_delivered(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming, victim: str
) -> None:
    flow = make_flow(name)
    await post(stack, flow, slice(None))
    before = await asyncio.to_thread(processes.kill, processes_of, victim)
    await started_again(processes_of, victim, before)
    await all_is_delivered(stack, sink, flow, notifier_died=victim == "notification-service")


async def started_again(processes_of: Processes, victim: str, before: int) -> None:
    async def another_pid() -> bool:
        pid = await asyncio.to_thread(processes_of.pid, victim)
        return pid not in (0, before)

    await eventually(another_pid, what=f"{victim} is started again", within=RECOVERY_S)


async def all_is_delivered(
    stack: Stack, sink: SinkClient, flow: Flow, *, notifier_died: bool
) -> None:
    """Each of the three alerts came once; twice, under one key, only if the notifier died."""
    for alert in await three_alerts(stack, flow, within=RECOVERY_S):
        service = alert["labels"]["service"]
        for channel in channels_of(alert):
            await deliveries(sink, service, channel, within=RECOVERY_S)
    await three_alerts(stack, flow)
    for service in flow.services:
        for channel in ("slack", "pagerduty"):
            received = await sink.received(service, channel=channel, delivered=True)
            keys = [one["idempotencyKey"] for one in received]
            assert len(set(keys)) <= 1, received
            assert len(keys) <= (2 if notifier_died else 1), received
