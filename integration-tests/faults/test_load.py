"""Under a steady load each event is counted exactly once, whoever is killed meanwhile."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from blackbox import processes
from blackbox.addresses import PROJECT, Addresses
from blackbox.processes import Processes
from blackbox.rest import Stack
from blackbox.wait import eventually

VICTIMS = ("rule-evaluate", "rule-aggregate", "api-gateway", "kafka")
"""Each under a load of its own: how long they take to be back differs, and with one load for all
of them the last would die after its end.

The counter by which we know is part of the aggregate stage's state: after its death it goes back
to what was stored last, and forward again with what is replayed."""
RATE, DURATION_S, SETTLE_S = 500, 8, 120


@pytest.mark.parametrize("victim", VICTIMS)
async def test_events_are_counted_exactly_once_while_a_process_is_killed(
    stack: Stack, processes_of: Processes, tmp_path: Path, victim: str
) -> None:
    report = tmp_path / "report.json"

    async def counted() -> float:
        return await stack.engine.metric("tocsin_engine_counted_events_total")

    before = await eventually(counted, what="the engine knows its count", within=SETTLE_S)
    load = await asyncio.create_subprocess_exec(
        str(PROJECT / "load-test/load-test.sh"),
        *("--rate", str(RATE), "--duration", str(DURATION_S), "--markers", "0", "--retry"),
        *("--settle", str(SETTLE_S), "--json", str(report)),
        env=environment(stack.where),
    )

    async def moving() -> bool:
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
