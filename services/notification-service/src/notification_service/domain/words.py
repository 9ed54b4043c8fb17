"""Texts of logs and rules, made safe to show: nothing in them is unseen or turned around."""

import re
from typing import Final
from urllib.parse import quote

_TERMINAL: Final = re.compile(r"\x1b\[[0-9;:?]{0,32}[ -/]{0,8}[@-~]")
"""What colours a terminal."""
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control codes, all but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # they turn the reading direction around
    "\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\ud800-\udfff]"  # no width, or no characters at all
)
_NEWLINES: Final = re.compile("\r\n?|[\u0085\u2028\u2029]")
_SAFE: Final = ":/?#[]@!$&'()*+,;=%~"
_WEB: Final = ("http://", "https://")


def clean(text: str) -> str:
    """Return the text without what a reader cannot see and without terminal colours."""
    return _UNSEEN.sub("", _NEWLINES.sub("\n", _TERMINAL.sub("", text)))


def line(text: str) -> str:
    """Return the cleaned text as one line."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, ending in an ellipsis where some are missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def link(url: str, limit: int) -> str:
    """Return a web address that no message format can misread; nothing if it is none.

    What may not stand in one (spaces, `|`, `<`, `>`, quotes, control codes, letters beyond ASCII)
    is percent-encoded. An address that is too long is left out: half of one leads astray.
    """
    written = url.strip()
    if not written.lower().startswith(_WEB):
        return ""
    encoded = quote(written, safe=_SAFE, errors="replace")
    return encoded if len(encoded) <= limit else ""
