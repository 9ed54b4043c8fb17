"""Faust's events as the records that handlers know."""

from collections.abc import Mapping
from typing import Any

from service_runtime.consumer import Record


def record_of(event: Any) -> Record:  # noqa: ANN401 - Faust's event, untyped at its edges
    """Return the record behind a Faust event."""
    message = event.message
    raw = message.headers or ()
    pairs = raw.items() if isinstance(raw, Mapping) else raw
    headers = {name: text.decode("utf-8", "replace") for name, text in pairs if text is not None}
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=headers,
        timestamp=int(message.timestamp * 1000),
    )
