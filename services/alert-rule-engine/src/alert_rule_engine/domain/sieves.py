"""Which of many events match which of some specs, where only a look at each event tells.

Specs are tried in chunks, and a chunk that stays the same while other rules change is not built
again. Most are put into one generated function, which walks over the events once. Those that search
the message for a pattern are found by one look for all the patterns. Specs that ask the same of the
events of many services are tried together, on all events, before anybody asks for the service.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol
from zlib import crc32

from alert_contracts.events import Event
from alert_rule_engine.domain.asks import Ask, sift_of, test_of
from alert_rule_engine.domain.evaluators import Predicate, SpecEvaluator
from alert_rule_engine.domain.tallies import Tallies
from rule_language import PatternSet

CHUNK: Final = 64
PATTERNS: Final = 2_048
"""One look takes as long for so many patterns as for one."""
MANY: Final = 32
"""Specs that search for a part of a text; fewer are tried faster one by one."""
ALIKE: Final = 32
"""Services; of fewer, the events of each are tried faster on their own."""
COMMON: Final = 4
"""And at least one of so many services that are named beside the level."""
_REMEMBERED: Final = 1_024
"""Sets of patterns that are kept: a change costs what it changes."""
_SEARCH: Final = ".matches("
_SEARCHED: Final = "message"


class Tried(Protocol):
    """What is tried on each event: a spec, or several that ask the same."""

    @property
    def ask(self) -> Ask:
        """What it asks."""
        ...

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Count events that fulfil it."""
        ...


class Alike:
    """Specs that ask the same of events of one service each, told apart when an event fulfils it.

    Those of the same specs are equal.
    """

    __slots__ = ("_specs", "ask", "key")

    def __init__(self, ask: Ask, specs: Sequence[tuple[str, SpecEvaluator]]) -> None:
        self.ask = ask
        self.key = tuple(specs)
        self._specs: dict[str, list[SpecEvaluator]] = defaultdict(list)
        for service, each in specs:
            self._specs[service].append(each)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count those of the events that are of its service."""
        found: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            found[event.service].append(event)
        for service, some in found.items():
            for each in self._specs.get(service, ()):
                each.collect(some, tallies)


class Sieve(Protocol):
    """Some specs, tried together."""

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        ...


class CodeSieve:
    """Tries specs in one generated function."""

    def __init__(self, tried: Sequence[Tried]) -> None:
        self._tried = tried
        self._sift = sift_of(tuple(each.ask for each in tried))

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        hits: list[list[Event]] = [[] for _ in self._tried]
        self._sift(events, *[found.append for found in hits])
        for each, found in zip(self._tried, hits, strict=True):
            if found:
                each.collect(found, tallies)


class PatternSieve:
    """Tries specs only on events in whose message there is the pattern that they search for."""

    def __init__(self, tried: Sequence[Tried]) -> None:
        patterns = [each.ask.match.patterns[_SEARCHED] for each in tried]
        self._patterns, indices = _pattern_set(tuple(patterns))
        self._searching: dict[int, list[int]] = defaultdict(list)
        self._tried = [(test_of(each.ask), each) for each in tried]
        for number, index in enumerate(indices):
            self._searching[index].append(number)
        self.asks = frozenset(each.ask for each in tried)

    def search(self, events: Sequence[Event]) -> None:
        """Do what takes the same time for one spec and for all."""
        match = self._patterns.match
        for event in events:
            match(event.message)

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        """Let each spec count the events that it matches."""
        hits: dict[int, list[Event]] = defaultdict(list)
        match = self._patterns.match
        for event in events:
            for index in match(event.message):
                for number in self._searching[index]:
                    if self._tried[number][0](event):
                        hits[number].append(event)
        for number, found in hits.items():
            self._tried[number][1].collect(found, tallies)


def gathered(groups: Mapping[Predicate, Sequence[SpecEvaluator]]) -> dict[Predicate, list[Tried]]:
    """Put together the specs of single services that ask the same, where they are many."""
    found: dict[Predicate, list[Tried]] = defaultdict(list)
    asking: dict[tuple[str | None, Ask], list[tuple[str, SpecEvaluator]]] = defaultdict(list)
    named: dict[str | None, set[str]] = defaultdict(set)
    for (service, level), group in groups.items():
        if service is None:
            found[service, level].extend(group)
            continue
        named[level].add(service)
        for each in group:
            asking[level, each.ask].append((service, each))
    for (level, ask), specs in asking.items():
        services = {service for service, _ in specs}
        if len(services) >= max(ALIKE, len(named[level]) / COMMON):
            found[None, level].append(Alike(ask, specs))
        else:
            for service, each in specs:
                found[service, level].append(each)
    return found


def sieves_of(tried: Sequence[Tried]) -> list[Sieve]:
    """Return the sieves of what is tried on the same events."""
    texts = [each for each in tried if _SEARCHED in each.ask.match.patterns]
    many = len(texts) >= MANY
    searching: list[Tried] = []
    plain: list[Tried] = []
    for each in tried:
        patterned = _SEARCHED in each.ask.match.patterns
        sought = patterned and (many or _SEARCH in each.ask.match.source)
        (searching if sought else plain).append(each)
    codes = [CodeSieve(chunk) for chunk in _chunks(plain, CHUNK)]
    return [*codes, *(PatternSieve(chunk) for chunk in _chunks(searching, PATTERNS))]


def _chunks(tried: Sequence[Tried], size: int) -> Iterator[Sequence[Tried]]:
    """Part by hash of what is asked, so that one more, or one less, changes one chunk."""
    number = 1 << max(0, (2 * len(tried) // size).bit_length() - 1)
    chunks: dict[int, list[Tried]] = defaultdict(list)
    for each in sorted(tried, key=lambda each: each.ask.text):
        chunks[crc32(each.ask.text.encode()) % number].append(each)
    yield from chunks.values()


@lru_cache(_REMEMBERED)
def _pattern_set(patterns: tuple[str, ...]) -> tuple[PatternSet, list[int]]:
    """Return a set of patterns, and the index of each."""
    found = PatternSet()
    indices = [found.add(pattern) for pattern in patterns]
    found.compile()
    return found, indices
