"""What the rounds come to: medians for each side, and ratios against what must hold."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

from engine.compare import LIMIT, Round
from engine.measure import Run

TOCSIN, TUNED, TEXTBOOK = "Tocsin", "Kafka Streams tuned", "Kafka Streams textbook"
QUIX = "Quix Streams"


def label(side: str, rules: int) -> str:
    """Return how a side with so many rules is called."""
    return f"{side}, {rules} rules"


class Bound(NamedTuple):
    """A ratio of two figures of one round, and the most or the least that it may be."""

    text: str
    over: str
    under: str
    figure: Callable[[Run], float]
    most: float | None = None
    least: float | None = None


def _us(run: Run) -> float:
    return run.us


def _rate(run: Run) -> float:
    return run.rate


BOUNDS = (
    *(
        Bound(f"CPU against tuned Kafka Streams, {rules} rules", label(TOCSIN, rules),
              label(TUNED, rules), _us, most=most)
        for rules, most in ((10, 1.0), (100, 1.0), (1000, 1 / 3))
    ),
    Bound("CPU against the textbook DSL, 100 rules", label(TOCSIN, 100), label(TEXTBOOK, 100),
          _us, most=1 / 6),
    Bound("events/s, 1 000 rules against 10", label(TOCSIN, 1000), label(TOCSIN, 10), _rate,
          least=0.5),
    Bound("events/s, 10 000 rules against 10", label(TOCSIN, 10_000), label(TOCSIN, 10), _rate,
          least=0.25),
    Bound("consume + decode CPU against ours, 10 rules", LIMIT, label(TOCSIN, 10), _us, least=0.6),
)  # fmt: skip


def table(found: Sequence[Round]) -> str:
    """Return medians and verdicts as Markdown."""
    return "\n".join([*_medians(found), "", *_verdicts(found)])


def void(found: Sequence[Round]) -> list[str]:
    """Return what differs from the oracle, anywhere."""
    return [
        f"{name}: {problem}"
        for each in found
        for name, run in each.items()
        for problem in run.problems
    ]


def _labels(found: Sequence[Round]) -> list[str]:
    return list(dict.fromkeys(name for each in found for name in each))


def _runs(found: Sequence[Round], name: str) -> list[Run]:
    """Return the runs that count: those that do not differ from the oracle."""
    return [each[name] for each in found if name in each and not each[name].problems]


def _medians(found: Sequence[Round]) -> Iterator[str]:
    yield "| side | runs | µs CPU an event (least to most) | by process | events/s | broker, µs |"
    yield "|---|---|---|---|---|---|"
    for name in _labels(found):
        runs = _runs(found, name)
        if not runs:
            continue
        costs = [run.us for run in runs]
        shares = ", ".join(
            f"{process} {median(run.cpu[process] * 1e6 / run.events for run in runs):.2f}"
            for process in runs[0].cpu
        )
        yield (
            f"| {name} | {len(runs)} | {median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f}) "
            f"| {shares} | {median(run.rate for run in runs):,.0f} "
            f"| {median(run.broker * 1e6 / run.events for run in runs):.2f} |"
        )


def _verdicts(found: Sequence[Round]) -> Iterator[str]:
    yield "| must hold | median ratio (least to most) | bound | |"
    yield "|---|---|---|---|"
    for bound in BOUNDS:
        ratios = [
            bound.figure(over) / bound.figure(under)
            for each in found
            for over in _runs([each], bound.over)
            for under in _runs([each], bound.under)
        ]
        if ratios:
            yield _row(bound, ratios, "times ")
    runs = _runs(found, label(TOCSIN, 10))
    if runs:
        name = label(TOCSIN, 10)
        most = Bound("µs CPU an event over both stages, 10 rules", name, "", _us, most=2.0)
        yield _row(most, [run.us for run in runs], "")
        least = Bound("events/s on these cores, 10 rules", name, "", _rate, least=500_000)
        yield _row(least, [run.rate for run in runs], "")


def _row(bound: Bound, figures: Sequence[float], sign: str) -> str:
    middle = median(figures)
    good = middle <= bound.most if bound.most is not None else middle >= (bound.least or 0)
    limit = f"≤ {_shown(bound.most)}" if bound.most is not None else f"≥ {_shown(bound.least or 0)}"
    spread = f"{_shown(min(figures))} to {_shown(max(figures))}"
    verdict = "holds" if good else "does not hold"
    return f"| {bound.text} | {sign}{_shown(middle)} ({spread}) | {limit} | {verdict} |"


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.2f}"  # noqa: PLR2004 - digits enough
