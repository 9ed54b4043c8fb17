"""Levels as people write them, folded into the few that rules know."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

UNKNOWN: Final = "UNKNOWN"
_SYNONYMS: Final = {
    "TRACE": ("trace", "finest", "finer", "verbose"),
    "DEBUG": ("debug", "fine", "dbg"),
    "INFO": ("info", "information", "informational", "notice"),
    "WARN": ("warn", "warning"),
    "ERROR": ("error", "err", "severe"),
    "FATAL": ("fatal", "critical", "crit", "emerg", "emergency", "panic", "alert"),
}
_BY_NAME: Final = {name: level for level, names in _SYNONYMS.items() for name in names}
_AS_WRITTEN: Final[dict[str | None, str]] = {
    written: level
    for name, level in _BY_NAME.items()
    for written in (name, name.upper(), name.capitalize())
}
KNOWN: Final[Mapping[str | None, str]] = MappingProxyType({None: "", "": "", **_AS_WRITTEN})
"""The usual spellings, found without folding; absent stays absent."""


def fold(level: str | None) -> str:
    """Return the level that rules see; `UNKNOWN` for one that we do not know."""
    known = KNOWN.get(level)
    if known is not None:
        return known
    name = (level or "").strip().lower()
    return _BY_NAME.get(name, UNKNOWN) if name else ""
