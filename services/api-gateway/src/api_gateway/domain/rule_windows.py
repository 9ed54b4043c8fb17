"""The window of a rule: what it may be, and what it is where the user is silent."""

from collections.abc import Iterator
from typing import Final

from alert_contracts import durations
from alert_contracts.panes import MAX_PANES, pane_length
from alert_contracts.rules import DEFAULTS, Window
from api_gateway.domain.rule_document import Problem, Sent, WindowDocument, is_wrong
from api_gateway.domain.rule_expressions import expressions
from api_gateway.domain.rule_types import type_of
from rule_language import RuleLanguageError, compile_condition

DEFAULT_MINUTES: Final = 5
MAX_LOOKS: Final = 10_000
"""Windows without events that one rule looks at each second: each ending one of each group."""
MAX_CLOSES: Final = 100_000
"""Panes of groups that one rule looks at each second as they close; those have events."""
_MINUTE: Final = 60_000
_SECOND: Final = 1_000
_MAX_GROUPS: Final = 10_000


def sliding_step(size: int) -> int:
    """Return the step of a sliding window that names none: a pane."""
    return pane_length(size, size)


def window_of(given: WindowDocument | None, minutes: int | None) -> Window:
    """Return the window of a sound rule."""
    if given is None:
        size = (minutes or DEFAULT_MINUTES) * _MINUTE
        return Window(size=size, step=size)
    size = durations.parse(given.size)
    step = sliding_step(size) if given.kind == "sliding" else size
    return Window(
        kind=given.kind,
        size=size,
        step=durations.parse(given.step) if given.step else step,
        allowed_lateness=durations.parse(given.allowed_lateness),
    )


def check(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find what is wrong with a window whose fields are each right."""
    window = sent.get("window")
    if window is None or is_wrong(wrong, "/window"):
        return
    if "windowMinutes" in sent:
        reason = (
            "give either windowMinutes or window, not both; in a PATCH, null takes the other"
            ' away ("windowMinutes": null)'
        )
        yield Problem("/window", reason)
    kind, step = window.get("kind", "tumbling"), window.get("step")
    if step is None:
        if kind == "hopping":
            reason = "is required for a hopping window: by how much the next one is shifted"
            yield Problem("/window/step", reason)
        return
    reason = _why_not(kind, durations.parse(window["size"]), durations.parse(step))
    if reason:
        yield Problem("/window/step", reason)


def check_load(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find a rule that looks at more windows than the engine can."""
    asked = ("/window", "/maxGroups", "/minCount", "/condition")
    window = sent.get("window")
    if window is None or is_wrong(wrong, *asked):
        return
    size = durations.parse(window["size"])
    usual = sliding_step(size) if window.get("kind") == "sliding" else size
    step = durations.parse(window["step"]) if window.get("step") else usual
    if _sees_empty(sent):
        what, looks = "silent windows that end", MAX_LOOKS
    elif _goes_both_ways(sent):
        what, looks = "figures that are looked at", MAX_CLOSES
        step = pane_length(size, step)
    else:
        return
    most = looks * step // _SECOND
    if sent.get("maxGroups", _MAX_GROUPS) > most:
        reason = f"is too many for {what} every {durations.show(step)}"
        yield Problem("/maxGroups", f"{reason}: at most {most}")


def _sees_empty(sent: Sent) -> bool:
    """Tell whether windows without events of the known groups may be of interest to a rule."""
    kind = type_of(sent)
    usual = DEFAULTS[kind].min_count if kind else 1
    return sent.get("noData") == "alerting" or not sent.get("minCount", usual)


def _goes_both_ways(sent: Sent) -> bool:
    """Tell whether more events can make the condition of a rule false again."""
    text = expressions(sent).condition
    if not text:
        return False
    try:
        condition = compile_condition(text)
    except RuleLanguageError:
        return False  # that is told where expressions are looked at
    moves = condition.moves()
    return moves.down or moves.sways or condition.compares


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
