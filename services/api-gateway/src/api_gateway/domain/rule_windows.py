"""The window of a rule: what it may be, and what it is where the user is silent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from alert_contracts.rules import Window
from api_gateway.domain import durations
from api_gateway.domain.rule_document import Problem, RuleDocument
from api_gateway.domain.rule_fields import MAX_PANES

DEFAULT_MINUTES: Final = 5
_MINUTE: Final = 60_000
_USUAL_STEP: Final = 10_000
_STEPS_OF_LONG: Final = 360
_STEPS_OF_SHORT: Final = 6
_ROUND: Final = (
    *(900_000, 600_000, 300_000, 240_000, 180_000, 120_000, 60_000, 30_000, 20_000, 10_000),
    *(5_000, 2_500, 2_000, 1_000, 500, 250, 200, 100),
)


def sliding_step(size: int) -> int:
    """Return the step of a sliding window that names none: 10 s, or a round part of the size."""
    target = max(min(_USUAL_STEP, size // _STEPS_OF_SHORT), size // _STEPS_OF_LONG)
    fitting = (step for step in _ROUND if step <= target and size % step == 0)
    step = next(fitting, size)
    return step if size // step <= MAX_PANES else size


def window_of(document: RuleDocument) -> Window:
    """Return the window of a sound rule."""
    given = document.window
    if given is None:
        size = (document.window_minutes or DEFAULT_MINUTES) * _MINUTE
        return Window(size=size, step=size)
    size = durations.parse(given.size)
    step = sliding_step(size) if given.kind == "sliding" else size
    return Window(
        kind=given.kind,
        size=size,
        step=durations.parse(given.step) if given.step else step,
        allowed_lateness=durations.parse(given.allowed_lateness),
    )


def check(sent: Mapping[str, Any], wrong: set[str]) -> Iterator[Problem]:
    """Find what is wrong with a window whose fields are each right."""
    window = sent.get("window")
    if window is None or any(pointer.startswith("/window") for pointer in wrong):
        return
    if "windowMinutes" in sent:
        yield Problem("/window", "give either windowMinutes or window, not both")
    kind, step = window.get("kind", "tumbling"), window.get("step")
    if step is None:
        if kind == "hopping":
            reason = "is required for a hopping window: by how much the next one is shifted"
            yield Problem("/window/step", reason)
        return
    reason = _why_not(kind, durations.parse(window["size"]), durations.parse(step))
    if reason:
        yield Problem("/window/step", reason)


def _why_not(kind: str, size: int, step: int) -> str:
    if step > size:
        return "is longer than the window"
    if kind == "tumbling" and step != size:
        return "a tumbling window steps by its size; leave step out, or say kind hopping or sliding"
    if size % step:
        return f"does not divide the window's size of {durations.show(size)}"
    if size // step > MAX_PANES:
        return f"is too short: a window has at most {MAX_PANES} steps"
    return ""
