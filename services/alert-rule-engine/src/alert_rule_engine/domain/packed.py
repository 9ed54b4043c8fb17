"""State as it is laid out in its records; new slots come last and have a default."""

from typing import Any

import msgspec

from alert_contracts.rules import Rule
from alert_rule_engine.domain.aggregates import Cell
from alert_rule_engine.domain.late import Row
from alert_rule_engine.domain.partials import Group
from alert_rule_engine.domain.vector import Tally


class PackedSlice(msgspec.Struct, array_like=True, gc=False):
    """The panes of one spec that start at one time."""

    spec: str
    pane: int
    accepted: tuple[int, str]
    groups: list[Group]
    cells: list[Cell]


class PackedMemory(msgspec.Struct, array_like=True, gc=False):
    """What sort of memory a spec has; its contents are stored in pieces."""

    sort: str
    keep: int
    learn: int = 0
    grain: int = 0
    """0: an older version wrote it."""


class PackedSpec(msgspec.Struct, array_like=True, gc=False):
    """What is known of a spec besides its panes."""

    spec: str
    pane: int
    since: int
    memory: PackedMemory | None
    forgotten: int = 0
    kept: list[int] = []
    """The starts of the panes that are there though they began before `forgotten`."""
    left: int = 0


class PackedBucket(msgspec.Struct, array_like=True, gc=False):
    """A bucket with its hot panes, and the hot pieces of its memories."""

    applied: int
    rules: int
    judged: int
    looked: int
    pages: list[int]
    """Of alerts. A cold one that is not named here was dropped."""
    held: list[tuple[str, Group, int]]
    specs: list[PackedSpec]
    slices: list[tuple[int, list[PackedSlice]]]
    pieces: list[tuple[str, int, list[Any]]]
    bases: dict[str, int] = {}
    """What the rules count that `held` is of."""
    late: list[Row] = []


class PackedRules(msgspec.Struct, array_like=True, gc=False):
    """Some of the rules that are in force."""

    rules: list[Rule] = []
    disabled: list[str] = []
    """Keys of those that are there, but not in force."""
    errors: dict[str, str] = {}
    """Likewise, of those that did not compile, and why."""
    arrived: dict[str, int] = {}
    """In the first record: pane specs that came with them, and when they were asked for."""


class PackedVector(msgspec.Struct, array_like=True, gc=False):
    """The vector."""

    applied: int
    sources: dict[int, int]
    clocks: dict[int, int]
    recent: dict[int, list[int]]
    log_now: int
    counted: int
    excused: list[int]
    seen: int
    tallies: dict[str, Tally]
    revisions: dict[str, tuple[int, int]]
    holes: list[tuple[int, int]] | None = None
    """None: an older version wrote it, and as `seen` until when nothing proves silence."""
    unread: dict[str, int] = {}
    new: dict[str, int] = {}
