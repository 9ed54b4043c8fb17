"""Rule sets of any size, of the part of the rule language that every side implements.

No two rules count the same, so no side can count one for another. The first five look at all
services, the next says that a topic has ended, and each of the others looks at one service. As
alerts do, they look at errors, warnings and texts: an event matches 0.3 rules of 10 and 0.5 of
1 000 (ShuffleBench's default is 0.2 of 1 000).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from loadtest.workload import WORDS, service_names

from alert_contracts.rules import DEFAULTS, Rule, RuleType, Severity, Window
from engine.workload import HOSTS, SENTINEL_LEVEL, SENTINEL_SERVICE, SERVICES, Drawn

WINDOW_MS = 60_000
SENTINEL = "sentinel"
LOUD = 10
"""About how many rules of a set fire; the thresholds of the others are never passed."""
NEVER = 1_000_000_000


class Question(NamedTuple):
    """What a rule asks of an event; None asks nothing."""

    kind: RuleType = RuleType.EVENT_COUNT
    service: str | None = None
    level: str | None = None
    text: str | None = None
    by: str = "service"

    def matches(self, event: Drawn) -> bool:
        """Tell whether an event counts: the oracle's own reading, not the engine's."""
        return (
            (self.service is None or event.service == self.service)
            and (self.level is None or event.level == self.level)
            and (self.text is None or self.text in event.message)
            and (self.kind is not RuleType.SERVER_ERROR or event.status >= 500)  # noqa: PLR2004
            and (self.kind is not RuleType.ERROR_THRESHOLD or event.level in {"ERROR", "FATAL"})
        )

    def expression(self) -> str:
        """Return `match` in CEL."""
        terms = []
        if self.service is not None:
            terms.append(f'service == "{self.service}"')
        if self.level is not None:
            terms.append(f'level == "{self.level}"')
        if self.kind is not RuleType.EVENT_COUNT:
            terms.append(str(DEFAULTS[self.kind].match))
        if self.text is not None:
            terms.append(f'message.contains("{self.text}")')
        return " && ".join(terms)


EVERYWHERE = (
    Question(RuleType.ERROR_THRESHOLD),
    Question(RuleType.SERVER_ERROR),
    Question(level="WARN"),
    Question(text="deadline exceeded"),
    Question(level="ERROR", by="host"),
)
ENDS = Question(service=SENTINEL_SERVICE, level=SENTINEL_LEVEL, by="host")
TEXTS = ("timeout after", "deadline exceeded", "Out of memory", "Cannot decode", "server error",
         "Database connection", "Upstream", "unexpected end", "failed", "building report",
         ":5432", "answered", "Cache miss", "signed in from 10.1", "picked up", "moved to state",
         *WORDS)  # fmt: skip


def questions(count: int) -> list[Question]:
    """Return `count` different questions.

    Raises:
        ValueError: there are not so many.
    """
    found = [*EVERYWHERE, ENDS]
    for question in _of_one_service():
        if len(found) >= count:
            return found[:count]
        found.append(question)
    message = f"there are only {len(found)} different questions"
    raise ValueError(message)


def _of_one_service() -> Iterator[Question]:
    names = service_names(SERVICES)
    shapes: list[Callable[[str], Question]] = [
        lambda name: Question(service=name, level="ERROR"),
        lambda name: Question(RuleType.SERVER_ERROR, name),
        lambda name: Question(service=name, text=TEXTS[0]),
        lambda name: Question(service=name, level="WARN", by="host"),
    ]
    for shape in shapes:
        yield from map(shape, names)
    for text in TEXTS[1:]:
        for level in ("ERROR", "WARN"):
            for name in names:
                yield Question(service=name, level=level, text=text)


def rules(asked: list[Question], thresholds: Mapping[int, int]) -> list[Rule]:
    """Return the documents; a rule without a threshold never fires."""
    return [
        _rule(number, question, thresholds.get(number, NEVER))
        for number, question in enumerate(asked)
    ]


def rule_id(number: int, question: Question) -> str:
    return SENTINEL if question is ENDS else f"rule-{number:05d}"


def _rule(number: int, question: Question, threshold: int) -> Rule:
    return Rule(
        id=rule_id(number, question),
        tenant="default",
        revision=1,
        name=f"Rule {number}",
        type=question.kind,
        match=question.expression(),
        condition="count > threshold",
        severity=Severity.HIGH,
        window=Window("tumbling", WINDOW_MS, WINDOW_MS, 30_000),
        group_by=(question.by,),
        threshold=float(threshold),
        resolve_after=3_600_000,
        max_groups=max(10_000, 4 * HOSTS),
    )
