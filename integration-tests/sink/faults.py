"""Failures on command: which channel fails next, how, and for how many requests."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CHANNELS = ("slack", "pagerduty", "webhook", "email")
LONGEST_WAIT_S = 300.0


class Mode(StrEnum):
    STATUS = "status"  # answer with `status`
    TIMEOUT = "timeout"  # take the request and never answer
    RESET = "reset"  # take the request and reset the connection
    SLOW = "slow"  # the right answer, `delay` seconds late
    GARBAGE = "garbage"  # a success status around a body that no such service sends
    RATE_LIMIT = "rate_limit"  # 429 with Retry-After; 421 for mail


@dataclass(slots=True)
class Fault:
    """One failure; `count` is how many requests it still hits, None means until cleared."""

    channel: str
    mode: Mode
    status: int | None = None
    count: int | None = None
    retry_after_s: int | None = None
    delay_s: float = 5.0
    path: str = ""
    """Only requests whose path contains this are hit (an address, for mail)."""
    holding: str = ""
    """Only messages that contain this text are hit."""
    deliver: bool = False
    """The message counts as delivered although the sender is told otherwise: a lost answer."""
    body: str | None = None

    def hits(self, channel: str, path: str, raw: bytes) -> bool:
        """Tell whether a request is one of those that this is about."""
        return self.channel == channel and self.path in path and self.holding.encode() in raw

    def as_json(self) -> dict[str, Any]:
        """Return the shape in which the fault was posted."""
        return {
            "channel": self.channel,
            "mode": self.mode.value,
            "status": self.status,
            "count": self.count,
            "retryAfter": self.retry_after_s,
            "delay": self.delay_s,
            "path": self.path,
            "holding": self.holding,
            "deliver": self.deliver,
            "body": self.body,
        }


def gets_through(fault: Fault | None) -> bool:
    """Tell whether the message reaches its reader although the sender may hear otherwise."""
    return fault is None or fault.mode is Mode.SLOW or fault.deliver


class FaultError(ValueError):
    """The posted fault makes no sense; the text says which member and why."""


class FaultBook:
    """The faults in force. A request is hit by the first one that matches it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._cleared = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Put a fault in force behind those that are there already."""
        self._faults.append(fault)

    def in_force(self) -> list[Fault]:
        """Return the faults that can still hit something."""
        return list(self._faults)

    def take(self, channel: str, path: str, raw: bytes) -> Fault | None:
        """Return the fault that hits this request, using up one of its count."""
        for fault in self._faults:
            if fault.hits(channel, path, raw):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def clear(self) -> int:
        """End every fault, release the requests that hang, and return how many faults ended."""
        count = len(self._faults)
        self._faults.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()
        return count

    async def hang(self) -> None:
        """Wait until the faults are cleared, at most `LONGEST_WAIT_S` seconds."""
        try:
            await asyncio.wait_for(self._cleared.wait(), LONGEST_WAIT_S)
        except TimeoutError:
            return


def parse_fault(document: object) -> list[Fault]:
    """Read a posted fault; `channel` may be `*` for all of them.

    Raises FaultError with a sentence that names the member.
    """
    if not isinstance(document, Mapping):
        message = "a fault is a JSON object"
        raise FaultError(message)
    unknown = set(document) - {
        "channel", "mode", "status", "count", "retryAfter", "delay", "path", "holding", "deliver",
        "body",
    }  # fmt: skip
    if unknown:
        message = f"unknown member: {', '.join(sorted(unknown))}"
        raise FaultError(message)
    channel = document.get("channel")
    if channel != "*" and channel not in CHANNELS:
        message = f"channel must be one of {', '.join(CHANNELS)} or *"
        raise FaultError(message)
    wanted = CHANNELS if channel == "*" else (str(channel),)
    return [_fault(name, document) for name in wanted]


def _fault(channel: str, document: Mapping[str, Any]) -> Fault:
    try:
        mode = Mode(document.get("mode", ""))
    except ValueError as exc:
        message = f"mode must be one of {', '.join(Mode)}"
        raise FaultError(message) from exc
    status = _number(document, "status", low=100, high=599)
    count = _number(document, "count", low=1, high=1_000_000)
    retry_after = _number(document, "retryAfter", low=0, high=86_400)
    delay = _number(document, "delay", low=0, high=LONGEST_WAIT_S)
    body = document.get("body")
    return Fault(
        channel=channel,
        mode=mode,
        status=None if status is None else int(status),
        count=None if count is None else int(count),
        retry_after_s=None if retry_after is None else int(retry_after),
        delay_s=5.0 if delay is None else delay,
        path=str(document.get("path", "")),
        holding=str(document.get("holding", "")),
        deliver=bool(document.get("deliver", False)),
        body=None if body is None else str(body),
    )


def _number(document: Mapping[str, Any], name: str, *, low: float, high: float) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        message = f"{name} must be a number from {low:g} to {high:g}"
        raise FaultError(message)
    return float(value)
