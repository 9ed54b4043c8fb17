"""Where each microsecond of the two stages goes: a sampled run, put into a table.

A sample belongs to the innermost frame of its stack that a line of `PLACES` knows, so that what a
library does for one of our functions counts as that function's, and what asyncio does for aiokafka
as aiokafka's.
"""

import json
import signal
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.compare import Bench
from engine.measure import Run, Task, measure
from engine.sides import Processes, Tocsin

STAGES = ("evaluate-0", "aggregate-0")
SMALL = 0.02
"""Microseconds an event below which a row is part of the rest."""


class Place(NamedTuple):
    """A part of a path, the functions in it (none: all), and what they are for."""

    path: str
    functions: frozenset[str]
    purpose: str


def _place(path: str, purpose: str, *functions: str) -> Place:
    return Place(path, frozenset(functions), purpose)


PLACES = (
    _place("aiokafka/codec.py", "lz4: decompress", "lz4_decode"),
    _place("aiokafka/codec.py", "lz4: compress", "lz4_encode"),
    _place("aiokafka/consumer/", "fetch"),
    _place("aiokafka/record/", "fetch"),
    _place("aiokafka/producer/", "send"),
    _place("aiokafka/", "Kafka's protocol"),
    _place("faust/transport/", "Faust: fetch"),
    _place("faust/tables/", "Faust: tables"),
    _place("faust/stores/", "Faust: tables"),
    _place("faust/", "Faust: streams"),
    _place("mode/", "Faust: streams"),
    _place("rule_language/", "rules: expressions"),
    _place("engine/sampler.py", "the sampler itself"),
)
OURS = "alert_rule_engine/"
REST = "the event loop and the rest"


class Profile(NamedTuple):
    """CPU in microseconds an event, by stage and by purpose."""

    run: Run
    spent: Mapping[str, Mapping[str, float]]


def profile(bench: Bench, task: Task) -> Profile:
    """Run the engine under the sampler.

    Raises:
        FailedError: it did not come through.
    """

    def begins(processes: Processes) -> None:
        processes.signal(signal.SIGUSR1)

    side = Tocsin(launcher=("-m", "engine.sampler"))
    run = measure(
        side,
        task,
        servers=bench.servers,
        broker_pid=bench.broker_pid,
        place=bench.place,
        begins=begins,
    )
    spent = {}
    for stage in STAGES:
        samples = json.loads((bench.place / f"{stage}.profile").read_text())
        spent[stage] = by_purpose(samples, task.events)
    return Profile(run, spent)


def by_purpose(samples: Sequence[Mapping[str, Any]], events: int) -> Counter[str]:
    """Add up samples by what they are for."""
    found: Counter[str] = Counter()
    for sample in samples:
        found[purpose_of(sample["stack"])] += sample["seconds"] * 1e6 / events
    return found


def purpose_of(stack: Sequence[Sequence[Any]]) -> str:
    """Return what a stack (innermost frame first) is for."""
    for path, function, _line in stack:
        for place in PLACES:
            if place.path in path and (not place.functions or function in place.functions):
                return place.purpose
        if OURS in path:
            return f"{path.rpartition(OURS)[2].removesuffix('.py')}: {function}"
    return REST


def table(found: Profile) -> str:
    """Return a row for each purpose, the dearest first, as Markdown."""
    rows: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(STAGES))
    for column, stage in enumerate(STAGES):
        for purpose, cost in found.spent[stage].items():
            small = sum(found.spent[each].get(purpose, 0.0) for each in STAGES) < SMALL
            rows["less than that each" if small else purpose][column] += cost
    lines = ["| where | evaluate, µs an event | aggregate, µs an event |", "|---|---|---|"]
    for purpose, costs in sorted(rows.items(), key=lambda row: -sum(row[1])):
        lines.append("| " + " | ".join([purpose, *(f"{cost:.2f}" for cost in costs)]) + " |")
    sums = [sum(found.spent[stage].values()) for stage in STAGES]
    lines.append("| all | " + " | ".join(f"{each:.2f}" for each in sums) + " |")
    return "\n".join(lines)
