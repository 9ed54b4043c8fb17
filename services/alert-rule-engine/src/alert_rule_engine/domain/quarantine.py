"""Pane specs that failed by our own fault: left out, alone, until one of their rules changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.rules import RuleBook

Attempt = Callable[[Sequence[SpecEvaluator]], object]
"""Does with some specs what failed with all of them."""
Revisions = frozenset[tuple[str, int]]


class TooMuchError(Exception):
    """A spec needs more time than it may have; counted in steps, so that each replay agrees."""


class Fault(NamedTuple):
    """How a spec failed, and when."""

    error: str
    at: int
    rules: Revisions
    """The rules that read it then."""


class Quarantine:
    """The specs that are left out."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        """By spec."""

    def take(self, spec: str, error: Exception, *, at: int, book: RuleBook) -> None:
        """Leave a spec out from now on."""
        self.faults[spec] = Fault(repr(error), at, _revisions(book, spec))

    def follow(self, book: RuleBook) -> None:
        """Take those in again whose rules have changed."""
        self.faults = {
            spec: fault
            for spec, fault in self.faults.items()
            if fault.rules == _revisions(book, spec)
        }


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
