"""Under a steady load each event is counted exactly once, whoever is killed meanwhile."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blackbox import processes
from blackbox.addresses import PROJECT, Addresses
from blackbox.processes import Processes
from blackbox.rest import Stack
from blackbox.wait import eventually

VICTIMS = ("rule-evaluate", "rule-aggregate", "api-gateway", "kafka")
"""The counter by which we know is part of the aggregate stage's state: after its death it goes back
to what was stored last, and forward again with what is replayed."""
RATE, DURATION_S, SETTLE_S = 500, 20, 120


async def test_events_are_counted_exactly_once_while_processes_are_killed(
    stack: Stack, processes_of: Processes, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    load = await asyncio.create_subprocess_exec(
        str(PROJECT / "load-test/load-test.sh"),
        *("--rate", str(RATE), "--duration", str(DURATION_S), "--markers", "0", "--retry"),
        *("--settle", str(SETTLE_S), "--json", str(report)),
        env=environment(stack.where),
    )

    async def counted() -> float:
        return await stack.engine.metric("tocsin_engine_counted_events_total")

    for victim in VICTIMS:
        before = await eventually(counted, what="the engine knows its count", within=SETTLE_S)

        async def moving(before: float = before) -> bool:
            return await counted() > before

        await eventually(moving, what="events are counted", within=SETTLE_S)
        await asyncio.to_thread(processes.kill, processes_of, victim)
    assert await load.wait() == 0
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["accepted"] == RATE * DURATION_S
    assert found["verdict"] == "ok"


def environment(where: Addresses) -> Mapping[str, str]:
    """Return ours, with the addresses of the stack under test."""
    return {
        **os.environ,
        "TOCSIN_GATEWAY_URL": where.gateway,
        "TOCSIN_ENGINE_URL": where.engine,
        "TOCSIN_NOTIFICATION_URL": where.notifier,
        "KAFKA_BOOTSTRAP_SERVERS": where.kafka,
    }
