"""Pane specs that are left out, alone.

Those that failed by our own fault are until one of their rules changes; those that take too many
steps for several batches in a row, for a while.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from alert_rule_engine.domain.endless import ENDLESS
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.rules import RuleBook
from rule_language.loops import MAX_STEPS

Attempt = Callable[[Sequence[SpecEvaluator]], object]
"""Does with some specs what failed with all of them."""
Revisions = frozenset[tuple[str, int]]
IN_A_ROW: Final = 5
"""Batches for which a spec may take too many steps before it pauses."""
PAUSE_MS: Final = 60_000
TOO_MUCH: Final = (
    "its macros and looks through lists took all their steps, so the rest of a batch was not "
    "counted: ask for what is cheap first (service == '...' && ...), ask a list with `in` instead "
    "of a macro, or send shorter lists"
)
"""Why a spec that needs more time than it may have, counted in steps, has not counted all."""
TOO_LONG: Final = (
    f"an event may not have been counted: its lists or texts are longer than an expression may "
    f"look through ({MAX_STEPS} elements; 64 characters of a text count as one). Ask a list with "
    "`in` instead of a macro (8 elements count as one then), or send shorter ones"
)
"""Why a spec may not have counted an event that is too long for it."""


class Fault(NamedTuple):
    """How a spec failed, and when."""

    error: str
    at: int
    rules: Revisions
    """The rules that read it then."""
    until: int = ENDLESS
    """Wall clock: when it is tried again."""


class Quarantine:
    """The specs that are left out, and how specs failed last."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        """By spec."""
        self.out: set[str] = set()
        self._row: Counter[str] = Counter()
        """Batches in a row for which a spec took too many steps."""

    def take(self, spec: str, error: Exception, *, at: int, book: RuleBook) -> None:
        """Leave a spec out from now on."""
        self.faults[spec] = Fault(repr(error), at, _revisions(book, spec))
        self.out.add(spec)

    def strain(self, metered: Mapping[str, bool], *, at: int, book: RuleBook) -> Sequence[str]:
        """Take note of the specs that took too many steps for a batch, and those that did not.

        Returns those that pause from now on: half of those that should, so that there are steps for
        the others.
        """
        tired = []
        for spec, exhausted in metered.items():
            if not exhausted:
                self._row.pop(spec, None)
                continue
            self._row[spec] += 1
            self.faults[spec] = Fault(TOO_MUCH, at, _revisions(book, spec), at + PAUSE_MS)
            if self._row[spec] >= IN_A_ROW:
                tired.append(spec)
                del self._row[spec]
        tired = tired[len(tired) // 2 :]
        self.out.update(tired)
        return tired

    def note(self, specs: Sequence[str], *, at: int, book: RuleBook) -> None:
        """Take note of the specs that could not look through an event."""
        for spec in specs:
            self.faults[spec] = Fault(TOO_LONG, at, _revisions(book, spec))

    def rested(self, now: int) -> bool:
        """Take those in again that paused for long enough; tell whether there are any."""
        rested = [spec for spec in self.out if self.faults[spec].until <= now]
        self.out.difference_update(rested)
        return bool(rested)

    def follow(self, book: RuleBook) -> None:
        """Take those in again whose rules have changed."""
        self.faults = {
            spec: fault
            for spec, fault in self.faults.items()
            if fault.rules == _revisions(book, spec)
        }
        self.out &= self.faults.keys()
        self._row = Counter({spec: n for spec, n in self._row.items() if spec in self.faults})


def _revisions(book: RuleBook, spec: str) -> Revisions:
    gathered = book.specs.get(spec)
    rules = gathered.rules if gathered else ()
    return frozenset((each.rule.id, each.rule.revision) for each in rules)


def culprits(
    evaluators: Sequence[SpecEvaluator], attempt: Attempt
) -> Mapping[SpecEvaluator, Exception]:
    """Return those that fail alone, and how; none, if only all of them together do."""
    return dict(_culprits(evaluators, attempt))


def _culprits(
    evaluators: Sequence[SpecEvaluator], attempt: Attempt
) -> Iterator[tuple[SpecEvaluator, Exception]]:
    try:
        attempt(evaluators)
    except Exception as exc:  # noqa: BLE001 - whatever a generated function may raise
        if len(evaluators) == 1:
            yield evaluators[0], exc
            return
        middle = len(evaluators) // 2
        yield from _culprits(evaluators[:middle], attempt)
        yield from _culprits(evaluators[middle:], attempt)
