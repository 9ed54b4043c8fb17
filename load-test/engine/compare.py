"""Rounds of runs, every side in turn, so that a ratio is taken of runs that lie side by side."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.measure import Run, Task, measure
from engine.sides import Side
from engine.topics import IncompleteError

LIMIT = "consume + decode"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Entry:
    """One run of a round: a side and what it has to do."""

    label: str
    side: Side
    task: Task


@dataclass(frozen=True)
class Bench:
    """Where the runs take place."""

    servers: str
    broker_pid: int
    place: Path

    def run(self, entry: Entry) -> Run:
        """Run one entry; once more, if the topic could not be filled.

        Raises:
            FailedError: the side ended, or did not come to the end of the topic in time.
            IncompleteError: the topic could not be filled the second time either.
        """
        try:
            return self._measure(entry)
        except IncompleteError as exc:
            print(f"again, since the topic is not what it should be: {exc}", flush=True)
            return self._measure(entry)

    def _measure(self, entry: Entry) -> Run:
        return measure(
            entry.side,
            entry.task,
            servers=self.servers,
            broker_pid=self.broker_pid,
            place=self.place,
        )

    def limit(self, events: int) -> Run:
        """Consume and decode what the last run has left in the topic."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "engine.limit", self.servers, str(events)],
            check=True,
            capture_output=True,
            text=True,
        )
        spent = json.loads(done.stdout)
        cpu = {"consumer": spent["cpu"]}
        return Run(LIMIT, spent["events"], spent["wall"], cpu, 0.0, {}, [])


Round = Mapping[str, Run]


def rounds(
    bench: Bench, entries: Sequence[Entry], *, pairs: int, limit: bool, say: Say
) -> Iterator[Round]:
    """Run every entry once, so many times; the very first run, on a cold broker, is thrown away.

    No pairs: one round, cold, for a look at the alerts alone.
    """
    if pairs:
        say(f"cold  {line(entries[0].label, bench.run(entries[0]))}")
    for number in range(1, max(pairs, 1) + 1):
        done: dict[str, Run] = {}
        for entry in entries:
            done[entry.label] = bench.run(entry)
            say(f"{number}/{pairs}  {line(entry.label, done[entry.label])}")
        if limit:
            last = entries[-1].task
            done[LIMIT] = bench.limit(last.workload.events_of([*last.warm, *last.main]))
            say(f"{number}/{pairs}  {line(LIMIT, done[LIMIT])}")
        yield done


def line(label: str, run: Run) -> str:
    """Return a run in one line."""
    parts = ", ".join(f"{name} {spent * 1e6 / run.events:.2f}" for name, spent in run.cpu.items())
    verdict = "VOID: " + "; ".join(run.problems) if run.problems else "oracle difference 0"
    return (
        f"{label:<44} {run.us:6.2f} µs/event ({parts}), {run.rate:>10,.0f} events/s, "
        f"broker {run.broker * 1e6 / run.events:.2f} µs; {verdict}"
    )


def as_json(found: Sequence[Round]) -> list[dict[str, Any]]:
    """Return rounds for a file."""
    return [{label: asdict(run) for label, run in each.items()} for each in found]


def from_json(found: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Round]:
    """Return the rounds of a file."""
    return [{label: Run(**run) for label, run in each.items()} for each in found]
