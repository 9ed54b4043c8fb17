"""One run of one side: warm up, stop the clock and the side, fill the topic, let it run.

The side is stopped (SIGSTOP) while the main part is written, so that it finds a full topic, does
not share the cores with the writer, and nothing of its start is counted.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from alert_contracts.rules import Rule
from engine import oracle
from engine.oracle import Fired
from engine.rulesets import SENTINEL, Question, rules
from engine.sides import FailedError, Processes, Side
from engine.topics import AlertReader, Topics
from engine.workload import Record, Workload

TICKS = os.sysconf("SC_CLK_TCK")
WARM_SECONDS, MAIN_SECONDS = 180.0, 400.0
COUNT_SECONDS, POLL_SECONDS = 20.0, 0.1
TAIL_SECONDS = 1.5
"""After the last alert, for what is still to be stored and committed; its CPU counts."""
MAX_SHOWN = 5


@dataclass(frozen=True)
class Task:
    """What all sides of a comparison do, and what must come of it."""

    workload: Workload
    asked: Sequence[Question]
    documents: Sequence[Rule]
    warm: Sequence[Record]
    main: Sequence[Record]
    due: frozenset[Fired]

    @classmethod
    def prepare(cls, workload: Workload, asked: Sequence[Question]) -> "Task":
        """Ask the oracle, and choose thresholds."""
        warm, main = workload.parts()
        cells = oracle.count(asked, workload, [*warm, *main])
        limits = oracle.thresholds(asked, cells)
        due = frozenset(oracle.alerts(asked, limits, cells))
        return cls(workload, asked, rules(list(asked), limits), warm, main, due)

    @property
    def events(self) -> int:
        """How many events the main part holds."""
        return self.workload.events_of(self.main)


@dataclass(frozen=True)
class Run:
    """What one run showed; times are seconds."""

    side: str
    events: int
    wall: float
    cpu: Mapping[str, float]
    """Of each process of the side."""
    broker: float
    rss_mib: Mapping[str, float]
    """The most that each process has had."""
    problems: Sequence[str]
    """What differs from the oracle; the figures are void unless this is empty."""

    @property
    def us(self) -> float:
        """CPU of the side in microseconds an event."""
        return sum(self.cpu.values()) * 1e6 / self.events

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall


def _nothing(_processes: Processes) -> None:
    pass


def measure(
    side: Side,
    task: Task,
    *,
    servers: str,
    broker_pid: int,
    place: Path,
    begins: Callable[[Processes], None] = _nothing,
) -> Run:
    """Run a side over the whole topic; `begins` is told when the main part begins.

    Raises:
        FailedError: it ended, or did not come to the end of the topic in time.
        IncompleteError: the topic could not be filled.
    """
    topics = Topics(servers)
    topics.reset()
    topics.publish(task.documents)
    topics.fill(task.workload, task.warm)
    place.mkdir(parents=True, exist_ok=True)
    processes = side.start(place, servers, task.documents)
    try:
        with closing(AlertReader(servers, side.alerts_topic, side.parse)) as reader:
            await_sentinels(reader, processes, task.warm, seconds=WARM_SECONDS)
            time.sleep(TAIL_SECONDS)
            processes.signal(signal.SIGSTOP)
            topics.fill(task.workload, task.main)
            begins(processes)
            return _timed(side, task, processes, reader, broker_pid)
    finally:
        processes.stop()


def _timed(
    side: Side, task: Task, processes: Processes, reader: AlertReader, broker_pid: int
) -> Run:
    before, broker_before = cpu_seconds(processes), _cpu(broker_pid)
    began = time.time()
    processes.signal(signal.SIGCONT)
    ended = await_sentinels(reader, processes, task.main, seconds=MAIN_SECONDS)
    due = task.workload.events_of([*task.warm, *task.main])
    counted = _await_count(side, due)
    time.sleep(TAIL_SECONDS)
    after, broker_after = cpu_seconds(processes), _cpu(broker_pid)
    reader.drain()
    problems = oracle.difference(
        {said.alert for said in reader.said}, set(task.due), lasting=side.lasting
    )
    if counted is not None and counted != due:
        problems.append(f"{counted} events counted, {due} are in the topic")
    if problems:
        processes.keep_logs()
    return Run(
        side=side.name,
        events=task.events,
        wall=ended / 1000 - began,
        cpu={name: after[name] - before[name] for name in after},
        broker=broker_after - broker_before,
        rss_mib={name: peak_mib(each.pid) for name, each in processes.members.items()},
        problems=problems[:MAX_SHOWN],
    )


def _await_count(side: Side, due: int) -> int | None:
    """Wait a while for a side to say that it has counted all; return what it says at last.

    An alert that ends a partition comes from one target; others may have records left to read.
    """
    deadline = time.monotonic() + COUNT_SECONDS
    while (counted := side.counted()) not in (None, due) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return counted


def await_sentinels(
    reader: AlertReader, processes: Processes, records: Sequence[Record], *, seconds: float
) -> int:
    """Wait for the alerts that end a part; return when the last came, in epoch milliseconds.

    Raises:
        FailedError: they do not come in time, or the side has ended.
    """
    awaited = {f"end-{record.number}" for record in records if record.chunk < 0}
    deadline = time.monotonic() + seconds
    looked, last = 0, 0
    while awaited:
        reader.poll(0.2)
        for alert, at in reader.said[looked:]:
            if alert.rule == SENTINEL and alert.group in awaited:
                awaited.remove(alert.group)
                last = max(last, at)
        looked = len(reader.said)
        processes.check()
        if time.monotonic() > deadline:
            message = f"{len(awaited)} partitions are not done after {seconds:g} s"
            raise FailedError(message)
    return last


def cpu_seconds(processes: Processes) -> dict[str, float]:
    """Return what each process has used so far, user and system."""
    return {name: _cpu(process.pid) for name, process in processes.members.items()}


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """Return the most resident memory that a process has had."""
    return _memory(pid, "VmHWM:")


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    return _memory(pid, "VmRSS:")


def _memory(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0
