"""Finds members that a JSON text gives twice: decoders keep the last one and say nothing."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from api_gateway.domain.refusals import MAX_LISTED, step

Pairs = Sequence[tuple[str, Any]]


class _Object:
    """An object with all its members, the repeated ones too."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def repeated(text: bytes) -> list[str]:
    """Return pointers to the members that are given more than once; 100 at most.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return list(islice(_repeated(json.loads(text, object_pairs_hook=_Object), ""), MAX_LISTED))


def _repeated(node: object, pointer: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, part in enumerate(node):
            yield from _repeated(part, pointer + step(index))
    if isinstance(node, _Object):
        times = Counter(name for name, _ in node.pairs)
        yield from (pointer + step(name) for name, count in times.items() if count > 1)
        for name, part in node.pairs:
            yield from _repeated(part, pointer + step(name))
