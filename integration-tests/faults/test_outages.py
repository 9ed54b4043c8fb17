"""Kafka, Postgres and Redis go away for a while: nothing is lost, and all recovers by itself."""

import time
from functools import partial

import redis.asyncio
from blackbox.events import errors, moment, room
from blackbox.fixtures import Naming
from blackbox.flow import deliver, deliveries
from blackbox.processes import Processes, stopped
from blackbox.rest import Answer, Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import eventually

RECOVERY_S = 120.0
OUTAGE_S = 30.0


async def test_redis_is_flushed_between_two_runs_and_one_reminder_at_most_is_sent(
    stack: Stack, sink: SinkClient, cache: redis.asyncio.Redis, name: Naming
) -> None:
    known, fresh = name("known"), name("fresh")
    await stack.accept(errors(known, at=moment()))
    await deliveries(sink, known, "slack")
    before = await stack.manager.metric("alerts_deduplicated_total")
    await cache.flushall()
    await stack.accept(errors(known, at=moment()))
    await stack.accept(errors(fresh, at=moment()))
    assert len(await deliveries(sink, fresh, "slack")) == 1

    async def decided() -> bool:
        again = len(await sink.received(known, channel="slack")) - 1
        grown = await stack.manager.metric("alerts_deduplicated_total") - before
        return again + grown >= 1

    await eventually(decided, what="the repeated alert is decided upon")
    assert len(await sink.received(known, channel="slack", delivered=True)) <= 2
    assert len(await stack.alerts(known)) == 1


async def test_without_kafka_the_gateway_says_so_within_5_s_and_recovers_by_itself(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming
) -> None:
    await room()
    service, at = name("without-kafka"), moment()
    await stack.accept(errors(service, 50, at=at))
    async with stopped(processes_of, "kafka"):
        began = time.monotonic()
        refused = await stack.post(errors(service, 1, at=at), key=f"{service}-refused")
        assert refused.status == 503, refused
        assert time.monotonic() - began <= 5
        assert int(refused.headers["retry-after"]) >= 1
    await deliver(stack, errors(service, 51, at=at), key=f"{service}-rest", within=RECOVERY_S)
    assert len(await deliveries(sink, service, "slack", within=RECOVERY_S)) == 1


async def test_postgres_is_away_for_30_s_and_nothing_is_lost(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming
) -> None:
    services = [name(f"without-postgres{number}") for number in range(3)]
    async with stopped(processes_of, "postgres"):
        began = time.monotonic()
        for service in services:
            await deliver(stack, errors(service, at=moment()), key=service)

        async def long_enough() -> bool:
            return time.monotonic() - began >= OUTAGE_S

        await eventually(long_enough, what="the outage has lasted", within=OUTAGE_S + 1)
    for service in services:
        assert len(await deliveries(sink, service, "slack", within=RECOVERY_S)) == 1
        alerts = partial(stack.alerts, service)
        (alert,) = await eventually(alerts, what="its history can be read again")
        assert alert["labels"]["service"] == service


async def test_without_redis_alerts_are_delivered_all_the_same(
    stack: Stack, sink: SinkClient, processes_of: Processes, name: Naming
) -> None:
    service = name("without-redis")
    async with stopped(processes_of, "redis"):
        await stack.accept(errors(service, at=moment()))
        assert len(await deliveries(sink, service, "slack", within=RECOVERY_S)) == 1


async def test_every_service_is_ready_again_after_all_of_that(stack: Stack) -> None:
    async def states() -> list[Answer]:
        services = (stack.gateway, stack.engine, stack.manager, stack.notifier)
        return [await service.call("GET", "/health") for service in services]

    def healthy(answers: list[Answer]) -> bool:
        return all(answer.status == 200 for answer in answers)

    await eventually(states, healthy, what="every service is healthy", within=RECOVERY_S)
