"""How accepted events are cut into Kafka records: few and full."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from alert_contracts.events import MAX_BATCH_BYTES, MAX_BATCH_EVENTS

_END: Final = b"\n"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of `log-events`: a batch of canonical events of one tenant."""

    key: str
    """Batch id."""
    lines: bytes
    count: int
    tenant: str
    accepted_at: int
    """Epoch ms at which the first of its events arrived."""
    traceparent: str


def cut(lines: bytes, count: int) -> Iterator[tuple[bytes, int]]:
    """Yield the lines in runs that fit a record, each with its number of events.

    A request holds at most `MAX_BATCH_EVENTS`, and a line is far shorter than a record.
    """
    start = 0
    while len(lines) - start > MAX_BATCH_BYTES:
        end = lines.rfind(_END, start, start + MAX_BATCH_BYTES) + 1
        run = lines[start:end]
        events = run.count(_END)
        count -= events
        yield run, events
        start = end
    yield lines[start:] if start else lines, count


def fits(size: int, count: int, more_bytes: int, more_events: int) -> bool:
    """Tell whether a record of `size` bytes and `count` events has room for more."""
    return size + more_bytes <= MAX_BATCH_BYTES and count + more_events <= MAX_BATCH_EVENTS
