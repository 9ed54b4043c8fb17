"""Late rows: which windows they are judged again in, each once, and what those then look like."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from alert_rule_engine.domain.alertbook import AlertBook
from alert_rule_engine.domain.conditions import CompiledRule, Judgement
from alert_rule_engine.domain.lifecycle import Crossing, Look, Witness, counts_already
from alert_rule_engine.domain.looks import look_of
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.rolling import Rolling
from alert_rule_engine.domain.windows import boundaries

Crossings = dict[int, Crossing]
"""What came last, by the start of the pane that it came to."""
Row = tuple[str, Group, int, Crossing]
"""Spec, group, start of the pane, and what came."""


class Late:
    """Closed panes to which rows came since windows were last looked at.

    Their windows are judged again then: once, however many rows and records there were.
    """

    __slots__ = ("_specs",)

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._specs: dict[str, dict[Group, Crossings]] = {}
        for row in rows:
            self.note(*row)

    def note(self, spec: str, group: Group, start: int, crossing: Crossing) -> None:
        """Note rows of a group in a pane."""
        self._specs.setdefault(spec, {}).setdefault(group, {})[start] = crossing

    def take(self) -> Iterator[tuple[str, Group, Crossings]]:
        """Yield what was noted since the last call."""
        noted, self._specs = self._specs, {}
        for spec, groups in noted.items():
            for group, crossings in groups.items():
                yield spec, group, crossings

    def rows(self) -> list[Row]:
        """Return what was noted since it was last taken, to be stored."""
        return [
            (spec, group, start, crossing)
            for spec, groups in self._specs.items()
            for group, crossings in groups.items()
            for start, crossing in crossings.items()
        ]


def looks_again(  # noqa: PLR0917 - one group from all sides
    rule: CompiledRule,
    panes: SpecPanes,
    group: Group,
    late: Crossings,
    judged: int,
    alerts: AlertBook,
) -> Iterator[Look]:
    """Yield the windows that late rows may have made hold, as far as they are closed.

    Each window that holds one of the panes is judged once more, as it is now, unless its lateness
    is over. Under `for` it is judged at each boundary since: what lasts has a beginning. What ends
    windows is asked at their end alone, when their lateness is over. What only grows was judged
    when it came, but for windows that overlap: only the first of those that hold the newest pane
    was. `judged`: up to when windows were judged. If the group comes to wait since another time in
    `alerts`, all later boundaries are asked, too.
    """
    if not rule.looks_back:
        return
    shape, pane = rule.shape, panes.pane
    alert = alerts.of(rule, group)
    since = partial(alerts.pending.of, rule.rule, group)
    windows, before = Rolling(panes, group), Rolling(panes, group)
    for end in _ends(rule, pane, late, judged, since):
        start = shape.holding(end - pane, pane)
        if rule.settled(start, judged):
            continue
        if alert is not None and counts_already(alert, start, start + shape.size, judged):
            continue
        window = windows.window(start, end)
        if window.count < rule.rule.min_count and not rule.rule.hold:
            continue
        previous = before.window(start - shape.size, start) if rule.compares else None
        view = rule.view(window, previous)
        if rule.rule.hold or rule.holds(view) or rule.mistake(view):
            yield look_of(rule, window, view, (start, end))


def witness_of(look: Look, late: Crossings) -> Witness:
    """Return the witness of the newest rows that a window holds."""
    found = late[max((start for start in late if start < look.at), default=min(late))]
    return lambda: replace(found)


def _ends(
    rule: CompiledRule, pane: int, late: Crossings, judged: int, since: Callable[[], int | None]
) -> Iterator[int]:
    """Yield the ends of the windows that are over, and how far the open one is closed."""
    first, newest, until = min(late), max(late), min(judged, max(late) + rule.reach)
    if rule.rule.hold:
        before = since()
        yield from boundaries(first, until, pane)
        if since() != before:
            yield from boundaries(until, judged, pane)
        return
    size = rule.shape.size
    yield from rule.shape.ends(first, until)
    last = judged // pane * pane
    start = rule.shape.holding(last - pane, pane)
    if (
        rule.judgement is Judgement.CLOSE
        and start + size > last
        and start <= newest + rule.reach - size
    ):
        yield last
