"""Measures the generator against a server that does nothing: is it ever the bottleneck?"""

import asyncio
import dataclasses
import sys
import time
from asyncio.subprocess import PIPE, Process

from loadtest.options import PROJECT, Options
from loadtest.sender import Sender
from loadtest.workload import make_pool

REQUIRED = 100_000
"""Events a second on one core."""
DURATION_S = 5.0
BATCH = 1_000


async def self_test(options: Options) -> int:
    """Print the events a second that one core can send; return 1 below `REQUIRED`."""
    batch_size = max(options.batch_size, BATCH)
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.blackhole", str(batch_size),
        stdout=PIPE, cwd=PROJECT / "load-test",
    )  # fmt: skip
    try:
        port = await _port(server)
        chosen = dataclasses.replace(
            options, gateway=f"http://127.0.0.1:{port}", rate=0.0, duration=DURATION_S,
            batch_size=batch_size, markers=0, connections=4,
        )  # fmt: skip
        began = time.perf_counter()
        pool = make_pool(seed=options.seed, services=options.services, prefix=f"{options.run}-")
        print(f"Encoded {len(pool.tails):,} events in {time.perf_counter() - began:.2f} s,"
              f" {pool.mean_bytes:.0f} bytes each on average.")  # fmt: skip
        sender = Sender(chosen, pool)
        cpu = time.process_time()
        await sender.run()
        cpu = time.process_time() - cpu
    finally:
        server.terminate()
        await server.wait()
    return _tell(sender, cpu)


async def _port(server: Process) -> int:
    if server.stdout is None:
        message = "no pipe to the server"
        raise RuntimeError(message)
    return int(await server.stdout.readline())


def _tell(sender: Sender, cpu_s: float) -> int:
    tally = sender.tally
    elapsed = tally.last_answer - tally.first_sent
    per_core = tally.accepted / cpu_s
    print(f"Sent {tally.accepted:,} events in {elapsed:.1f} s: {tally.accepted / elapsed:,.0f}/s;"
          f" {cpu_s / tally.accepted * 1e6:.2f} µs of CPU an event.")  # fmt: skip
    enough = per_core >= REQUIRED
    word = "OK" if enough else "TOO SLOW"
    print(f"{word}: one core sends {per_core:,.0f} events/s; {REQUIRED:,} are required.")
    return 0 if enough else 1
