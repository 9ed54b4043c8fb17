"""Rules of any sort: what the oracle was never taught, the engine must still say the same twice."""

import random
from typing import Any, Final

from faults.lab.rulebook import rules, silences
from msgspec.structs import replace

from alert_contracts.rules import Rule, RuleType, TimeInterval, TimeRange, Window, WindowKind

WILD: Final = "wild-"
SECOND: Final = 1_000
LEVELS: Final = ("DEBUG", "INFO", "FATAL")
SIZES: Final = (2, 4, 5, 10, 20)
FILLING: Final = frozenset(RuleType) - {
    RuleType.MATCH, RuleType.ABSENCE, RuleType.NEW_TERM, RuleType.CHANGE
}  # fmt: skip
"""Types that may say what a window without events means."""
REMEMBERING: Final = frozenset({RuleType.NEW_TERM, RuleType.CHANGE})
FIRST_MINUTE: Final = TimeInterval(times=(TimeRange("12:00", "12:01"),))
SECOND_MINUTE: Final = TimeInterval(times=(TimeRange("12:01", "12:02"),))


def wild(tenant: str, draw: random.Random, number: int) -> list[Rule]:
    """Return so many rules, each after one of the laboratory's."""
    models = [*rules(tenant), *silences(tenant)]
    return [_after(draw.choice(models), f"{WILD}{each}", draw) for each in range(number)]


def _after(model: Rule, id_: str, draw: random.Random) -> Rule:
    changes: dict[str, Any] = {
        "keep_firing_for": draw.choice((0, 0, 5, 20)) * SECOND,
        "active_time": draw.choice(((), (), (), (FIRST_MINUTE,), (SECOND_MINUTE,))),
        "max_groups": draw.choice((10_000, 10_000, 10_000, 12)),
        "threshold": None if model.threshold is None else model.threshold // draw.choice((1, 2)),
    }
    if model.type is not RuleType.MATCH:
        changes["hold"] = draw.choice((0, 0, 1, 3, 8)) * SECOND
    if model.type in FILLING:
        changes["no_data"] = draw.choice(("ok", "ok", "alerting", "keepLast"))
        changes["min_count"] = draw.choice((model.min_count, 0, 5))
    if model.type is RuleType.ABSENCE:
        changes["forget"] = draw.choice((86_400, 15)) * SECOND
    if model.type in REMEMBERING:
        changes["remember"] = draw.choice((86_400, 20)) * SECOND
    return replace(
        model,
        id=id_,
        name=id_,
        window=_window(draw),
        resolve_after=draw.choice((0, 1, 10, 25)) * SECOND,
        **changes,
    )


def changed(rule: Rule, draw: random.Random) -> Rule | None:
    """Return a rule with something else about it; None if it is to be deleted."""
    changes: dict[str, Any] = draw.choice(
        (
            {
                "threshold": None
                if rule.threshold is None
                else rule.threshold * draw.choice((0.5, 2))
            },
            {
                "threshold": None
                if rule.threshold is None
                else rule.threshold * draw.choice((0.5, 2))
            },
            {"match": f'({rule.match}) && level != "{draw.choice(LEVELS)}"'},
            {"match": "nonsense("},
            {"window": _window(draw)},
            {"resolve_after": draw.choice((0, 1, 10, 25)) * SECOND},
            {"enabled": not rule.enabled},
            {"enabled": not rule.enabled},
            {},
        )
    )
    return replace(rule, **changes) if changes else None


def _window(draw: random.Random) -> Window:
    size = draw.choice(SIZES)
    step = draw.choice([each for each in range(1, size + 1) if size % each == 0])
    kind: WindowKind = "tumbling" if step == size else "sliding"
    lateness = draw.choice((0, 1, 5, 30))
    return Window(kind, size * SECOND, step * SECOND, lateness * SECOND)
