"""A format and a checksum in front of every value that is stored."""

from typing import Final
from zlib import crc32

FORMAT: Final = 2
_HEAD: Final = 5
_OLD_ARRAYS: Final = range(0x90, 0xA0)
"""How every value of format 1 began."""

REMEDY: Final = (
    "to begin anew, delete the topic rule-state-v1-panes-changelog while no engine runs, and"
    " provision again (python -m service_runtime.provision): open windows are counted from then on"
)


class StateFormatError(ValueError):
    """Stored state that this version cannot read."""


def seal(payload: bytes) -> bytes:
    """Return what is stored."""
    return b"%c%b%b" % (FORMAT, checksum(payload), payload)


def unseal(value: bytes) -> bytes:
    """Return what `seal` was given.

    Raises:
        StateFormatError: another version wrote it, or it is damaged.
    """
    if value[:1] != bytes([FORMAT]):
        found = "1" if value and value[0] in _OLD_ARRAYS else "unknown"
        msg = f"the stored state has format {found}, this version reads {FORMAT}"
        raise StateFormatError(msg)
    payload = value[_HEAD:]
    if value[1:_HEAD] != checksum(payload):
        msg = "the stored state is damaged: its checksum does not fit"
        raise StateFormatError(msg)
    return payload


def checksum(payload: bytes) -> bytes:
    """Return the checksum of some bytes."""
    return crc32(payload).to_bytes(4, "big")
