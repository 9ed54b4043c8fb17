"""Of events that bring values, only those count that bring something new: NEW_TERM and CHANGE."""

from typing import Final, NamedTuple, cast

from alert_rule_engine.domain.memory import Admitted, Changes, Terms, Values
from alert_rule_engine.domain.partials import Block, Group
from alert_rule_engine.domain.running import PanesOf

MAX_TEXT: Final = 1_000
"""Characters of a value that an alert shows."""
Found = dict[str, str]


class Sifted(NamedTuple):
    """What is left of a block."""

    block: Block
    found: dict[Group, Found]
    """What each group brought, for its alert."""
    surplus: int = 0
    """Events of groups that had no room."""
    excess: int = 0
    """Events of terms that had none in a group that has."""
    ignored: int = 0
    """Runs of a value that are older than the group's last one."""


def sift(block: Block, panes_of: PanesOf, room: int, accepted: int) -> Sifted:
    """Return the events of a block that bring something new.

    `room`: groups in one bucket; `accepted`: when the events were accepted.
    """
    rows: dict[Group, tuple[int, int]] = {}
    found: dict[Group, Found] = {}
    surplus = excess = ignored = 0
    for row, slot in enumerate(block.slots):
        panes = panes_of(slot)
        if isinstance(panes.memory, Terms):
            group, admitted, news = _new_terms(panes.memory, block, row, room)
        else:
            memory = cast("Values", panes.memory)
            group, runs = block.groups[row], block.changes[row]
            changes = memory.admit(group, runs, accepted, room=room)
            admitted, news = Admitted(len(changes.found), changes.surplus), _news(changes)
            ignored += changes.ignored
        surplus += admitted.surplus
        excess += admitted.excess
        if admitted.events:
            rows[group] = slot, admitted.events + rows.get(group, (0, 0))[1]
            found.setdefault(group, {}).update(news)
    kept = Block(
        spec=block.spec,
        start=block.start,
        pane=block.pane,
        slots=[slot for slot, _ in rows.values()],
        groups=list(rows),
        counts=[events for _, events in rows.values()],
    )
    return Sifted(kept, found, surplus, excess, ignored)


def _new_terms(memory: Terms, block: Block, row: int, room: int) -> tuple[Group, Admitted, Found]:
    """Return the group, what became of its events, and what those that count bring."""
    *base, term = block.groups[row]
    whole = tuple(base)
    admitted = memory.admit(whole, term, block.counts[row], block.start, room=room)
    return whole, admitted, {"value": term[:MAX_TEXT]}


def _news(changes: Changes) -> Found:
    """Return what the last of some changes brings."""
    if not changes.found:
        return {}
    last = changes.found[-1]
    return {"old": last.old[:MAX_TEXT], "new": last.new[:MAX_TEXT]}
