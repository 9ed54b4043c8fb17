"""Why an event is not taken: which one, which of its fields, and the reason."""

from typing import Final

import msgspec

MAX_LISTED: Final = 100
"""Refusals that an answer lists; the rest is only counted."""

MAX_POINTER: Final = 512
"""Characters of a pointer; names of members may be as long as the client likes."""


class Refusal(msgspec.Struct, frozen=True):
    """One refused event: its place in the request, a JSON pointer into it, the reason."""

    index: int
    pointer: str
    reason: str


class FieldError(ValueError):
    """A field of an event cannot be taken. The pointer is cut and cleaned so as to be shown."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer = pointer[:MAX_POINTER].encode("utf-8", "replace").decode()
        self.reason = reason


def step(name: str | int) -> str:
    """Return one step of a JSON pointer (RFC 6901)."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")
