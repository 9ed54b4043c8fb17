"""Durations as Prometheus writes them: `90s`, `5m`, `1h30m`."""

import re
from typing import Final

_UNITS: Final = (
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)
_FORM: Final = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit, _ in _UNITS) + r"\Z")


def parse(text: str) -> int:
    """Return the milliseconds of a duration; units go from large to small, each once.

    Raises:
        ValueError: it is no duration.
    """
    match = _FORM.match(text)
    if not text or match is None:
        msg = f"{text[:40]!r} is no duration such as 90s, 5m or 1h30m"
        raise ValueError(msg)
    lengths = zip(match.groups(), _UNITS, strict=True)
    return sum(int(count) * length for count, (_, length) in lengths if count)


def show(milliseconds: int) -> str:
    """Return the shortest form that `parse` reads back (a day at most as the largest unit)."""
    parts = []
    for unit, length in _UNITS[2:]:
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
