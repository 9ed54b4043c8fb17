"""Of events that bring values, only those count that bring something new: NEW_TERM and CHANGE."""

from typing import NamedTuple, cast

from alert_rule_engine.domain.memory import Terms, Values
from alert_rule_engine.domain.panes import SpecPanes
from alert_rule_engine.domain.partials import Block, Group
from alert_rule_engine.domain.running import PanesOf

MAX_TEXT = 1_000
"""Characters of a value that an alert shows."""
Found = dict[str, str]


class Sifted(NamedTuple):
    """What is left of a block."""

    block: Block
    found: dict[Group, Found]
    """What each group brought, for its alert."""
    surplus: int = 0


def sift(block: Block, panes_of: PanesOf, room: int) -> Sifted:
    """Return the events of a block that bring something new; `room`: groups in one bucket."""
    rows: dict[Group, tuple[int, int]] = {}
    found: dict[Group, Found] = {}
    surplus = 0
    for row, slot in enumerate(block.slots):
        panes = panes_of(slot)
        group, events, news, lost = _row(panes, block, row, room)
        surplus += lost
        if events:
            rows[group] = slot, events + rows.get(group, (0, 0))[1]
            found.setdefault(group, {}).update(news)
    kept = Block(
        spec=block.spec,
        start=block.start,
        pane=block.pane,
        slots=[slot for slot, _ in rows.values()],
        groups=list(rows),
        counts=[events for _, events in rows.values()],
    )
    return Sifted(kept, found, surplus)


def _row(panes: SpecPanes, block: Block, row: int, room: int) -> tuple[Group, int, Found, int]:
    """Return the group, how many events count, what they bring, and how many had no room."""
    group, memory = block.groups[row], panes.memory
    if isinstance(memory, Terms):
        *base, term = group
        whole = tuple(base)
        admitted = memory.admit(whole, term, block.counts[row], block.start, room=room)
        return whole, admitted.events, {"value": term[:MAX_TEXT]}, admitted.surplus
    changes = cast("Values", memory).admit(group, block.changes[row], room=room)
    if not changes.found:
        return group, 0, {}, changes.surplus
    last = changes.found[-1]
    news = {"old": last.old[:MAX_TEXT], "new": last.new[:MAX_TEXT]}
    return group, len(changes.found), news, changes.surplus
