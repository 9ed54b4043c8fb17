"""The examples of docs/rules.md: a rule, events with their times, and what comes of them.

They are played faster than they are told: every duration and every distance in time is divided by
`FASTER`, and a window that begins at a full minute there begins at a full second here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from blackbox.addresses import PROJECT

FASTER: Final = 60
PAGE: Final = PROJECT / "docs" / "rules.md"
_SECTION: Final = re.compile(r"^### (\w+)$(.*?)(?=^##)", re.DOTALL | re.MULTILINE)
_BLOCK: Final = re.compile(r"^```(json|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINE: Final = re.compile(r"(\d\d):(\d\d):(\d\d)(?: \u00d7(\d+))? +(\{.*\})")
_OUTCOME: Final = re.compile(r"^→ (?:nothing|(.+?): (.+))$", re.MULTILINE)
_PART: Final = re.compile(r"(\d+)(ms|[smhdw])")
_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATIONS: Final = ("for", "keepFiringFor", "resolveAfter", "forget", "remember")


class Line(NamedTuple):
    """Some events that are alike."""

    at: int
    """Milliseconds since the page's midnight."""
    times: int
    event: dict[str, Any]


class Example(NamedTuple):
    """One rule and what it makes of some events."""

    section: str
    number: int
    """Of the section's examples, from 1."""
    rule: dict[str, Any]
    lines: tuple[Line, ...]
    group: str
    reason: str
    """Both empty: no alert comes of it."""

    @property
    def id(self) -> str:
        return f"{self.section}-{self.number}-{'fires' if self.reason else 'is-silent'}"

    @property
    def window(self) -> int:
        """Milliseconds of the window, as told."""
        return milliseconds(_window(self.rule)["size"])

    @property
    def began(self) -> int:
        """When the first window with an event begins, as told."""
        return min(line.at for line in self.lines) // self.window * self.window


def examples() -> list[Example]:
    """Return the examples of the page, in its order."""
    return [
        example
        for kind, text in _SECTION.findall(PAGE.read_text())
        for example in _examples(kind, text)
    ]


def _examples(kind: str, text: str) -> Iterator[Example]:
    rule: dict[str, Any] = {}
    number = 0
    for language, block in _BLOCK.findall(text):
        if language == "json":
            rule = json.loads(block)
            continue
        number += 1
        outcome = _OUTCOME.search(block)
        assert outcome is not None, f"an example of {kind} does not say what comes of it"
        lines = tuple(_line(*found) for found in _LINE.findall(block))
        yield Example(kind, number, rule, lines, outcome[1] or "", outcome[2] or "")


def _line(hours: str, minutes: str, seconds: str, count: str, event: str) -> Line:
    at = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return Line(at * 1_000, int(count or 1), json.loads(event))


def _window(rule: dict[str, Any]) -> dict[str, Any]:
    size = {"size": f"{rule.get('windowMinutes', 5)}m"}
    return {**size, **rule.get("window", {})}


def milliseconds(duration: str) -> int:
    """Return the length of a duration such as `1h30m`."""
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration))


def faster(duration: str) -> str:
    """Return the duration as it is played."""
    return f"{milliseconds(duration) // FASTER}ms"


def played(rule: dict[str, Any], *, match: str, run: str) -> dict[str, Any]:
    """Return the rule as it is played: fast, and for the events of one run only."""
    window = _window(rule)
    times = {name: faster(window[name]) for name in ("size", "step") if name in window}
    lateness = faster(window.get("allowedLateness", "30s"))
    quick: dict[str, Any] = {name: faster(rule[name]) for name in _DURATIONS if name in rule}
    kept = {name: value for name, value in rule.items() if name != "windowMinutes"}
    return {
        **kept,
        **quick,
        "name": f"{rule['name']} ({run})",
        "match": f'({match}) && attributes.run == "{run}"',
        "window": {**window, **times, "allowedLateness": lateness},
    }


def alike(said: str, told: str) -> bool:
    """Tell whether two reasons say the same.

    Figures may differ by one percent, since sketches do; durations are the faster ones.
    """
    pairs = list(zip(said.split(), told.split(), strict=False))
    return len(said.split()) == len(told.split()) and all(_alike(*pair) for pair in pairs)


def _alike(said: str, told: str) -> bool:
    if _PART.fullmatch(told):
        return milliseconds(said) * FASTER == milliseconds(told)
    try:
        return abs(float(said) - float(told)) <= 0.01 * abs(float(told))
    except ValueError:
        return said == told
