"""W3C trace context: who asked for this work, carried over HTTP and Kafka headers.

Source: https://www.w3.org/TR/trace-context/ (version 00).
"""

import re
import secrets
from contextvars import ContextVar
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16


class TraceContext(NamedTuple):
    """One hop of one trace."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def header(self) -> str:
        """Return the value of the `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> "TraceContext":
        """Return the context of work done on behalf of this one."""
        return self._replace(span_id=secrets.token_hex(8))


def start() -> TraceContext:
    """Return the context of a trace that begins here."""
    return TraceContext(secrets.token_hex(16), secrets.token_hex(8))


def parse(header: str | None) -> TraceContext | None:
    """Return the caller's context, or None where the header is absent or invalid."""
    match = _FORM.match(header or "")
    if match is None:
        return None
    version, trace_id, span_id, flags = match.groups()
    if version == "ff" or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, flags)


def resume(header: str | None) -> TraceContext:
    """Return a child of the caller's context, or a new trace where there is no valid one."""
    caller = parse(header)
    return caller.child() if caller else start()


current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)
"""The trace that log lines of the running task belong to."""
