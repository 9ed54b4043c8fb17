"""The bounds of what a client may post. Over one of an event's, that event alone is refused."""

from typing import Final

MAX_EVENT_BYTES: Final = 256 * 1024
"""Of an event's canonical JSON, UTF-8."""
MAX_TEXT_BYTES: Final = 8 * MAX_EVENT_BYTES
"""Of an event as sent: escapes make it six times as long as its canonical JSON."""
MAX_EVENTS: Final = 5_000
"""Of a request."""
MAX_ATTRIBUTES: Final = 128
MAX_DEPTH: Final = 8
"""Of `attributes`, itself counted: objects and arrays within each other."""
MAX_NAME: Final = 256
"""Characters of a service, host, trace id or level."""
MAX_STATUS: Final = 999
MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**64 - 1
"""Integers that every reader down the line can hold."""
MAX_VALUES: Final = 250_000
"""JSON values of a body: keeps a small body from becoming gigabytes of objects, and one call of
the decoder, which nobody can interrupt, from taking longer than others should wait."""
