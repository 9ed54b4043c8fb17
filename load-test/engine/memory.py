"""How much memory 100 000 groups take, and how long their panes take to come back."""

import re
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from msgspec import structs

from engine.compare import Bench
from engine.measure import (
    MAIN_SECONDS,
    TAIL_SECONDS,
    Task,
    await_sentinels,
    peak_mib,
    resident_mib,
)
from engine.oracle import difference
from engine.rulesets import ENDS, Question
from engine.sides import FailedError, Processes, Tocsin
from engine.topics import AlertReader, Topics
from engine.workload import Workload

HOSTS = 48_000
LEVELS = ("INFO", "DEBUG", "WARN", "ERROR")
ASKED = (*(Question(level=level, by="host") for level in LEVELS), ENDS)
"""Four rules that group by host; not every host has had an error within the panes held."""
GAUGES = ("groups", "panes")
READY_SECONDS = 60.0
RESTORED = re.compile(r"state_restored")
POLL_S = 0.02


class Held(NamedTuple):
    """What the engine holds after the whole topic, and what it costs."""

    groups: int
    panes: int
    resident: dict[str, float]
    """MiB of each process at the end."""
    peak: dict[str, float]
    restored: float
    """Seconds from the start of a new aggregate, the old one killed, until it takes records."""
    restored_resident: float
    """MiB of the new one then."""
    restore_line: str
    """What it logged about the restoring alone."""
    problems: Sequence[str]


def hold(bench: Bench, *, seed: int, events: int) -> Held:
    """Run the engine over a topic with 100 000 groups, look, kill its second stage, look again.

    Raises:
        FailedError: it did not come through.
    """
    workload = Workload(seed=seed, batch=1000, warm_up=12_000, main=events, hosts=HOSTS)
    task = Task.prepare(workload, ASKED)
    documents = [structs.replace(rule, max_groups=4 * HOSTS) for rule in task.documents]
    topics = Topics(bench.servers)
    topics.reset()
    topics.publish(documents)
    topics.fill(workload, [*task.warm, *task.main])
    side = Tocsin()
    processes = side.start(bench.place, bench.servers, documents)
    try:
        with closing(AlertReader(bench.servers, side.alerts_topic, side.parse)) as reader:
            await_sentinels(reader, processes, task.main, seconds=MAIN_SECONDS)
            time.sleep(2 * TAIL_SECONDS)
            reader.drain()
            said = {each.alert for each in reader.said}
        problems = difference(said, set(task.due), lasting=True)
        resident = {name: resident_mib(p.pid) for name, p in processes.members.items()}
        peak = {name: peak_mib(p.pid) for name, p in processes.members.items()}
        groups, panes = (_gauge(side, name) for name in GAUGES)
        seconds, line = _restart(side, processes)
        restored = resident_mib(processes.members["aggregate-0"].pid)
    finally:
        processes.stop()
    return Held(groups, panes, resident, peak, seconds, restored, line, problems)


def _gauge(side: Tocsin, name: str) -> int:
    text = side.metrics("aggregate-0")
    found = re.search(rf"^tocsin_engine_{name} (\S+)", text, re.MULTILINE)
    return int(float(found.group(1))) if found else 0


def _restart(side: Tocsin, processes: Processes) -> tuple[float, str]:
    processes.members["aggregate-0"].send_signal(signal.SIGKILL)
    processes.members.pop("aggregate-0").wait()
    began = time.monotonic()
    side.launch(processes, "aggregate-0")
    while not side.ready("aggregate-0"):
        processes.check()
        if time.monotonic() - began > READY_SECONDS:
            message = "the second stage did not come back"
            raise FailedError(message)
        time.sleep(POLL_S)
    seconds = time.monotonic() - began
    log = processes.logs["aggregate-0"].read_text(errors="replace")
    line = next((each for each in log.splitlines() if RESTORED.search(each)), "")
    return seconds, line
