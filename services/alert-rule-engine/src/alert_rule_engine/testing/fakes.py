"""Fakes of the ports."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import NoReturn

from alert_contracts.alerts import Alert
from alert_rule_engine.domain.evidence import Reference
from alert_rule_engine.domain.parts import Change
from service_runtime.consumer import Record


class EndedError(Exception):
    """The process would have ended here."""


def end(reason: str) -> NoReturn:
    """End nothing, but say so."""
    raise EndedError(reason)


def _done() -> "asyncio.Future[object]":
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


class FakeAlerts:
    """An AlertSink that remembers; a `held` one acknowledges nothing until `release`."""

    def __init__(self, journal: list[str] | None = None) -> None:
        self.alerts: list[Alert] = []
        self.journal = journal if journal is not None else []
        self.held = False
        self._waiting: list[asyncio.Future[object]] = []

    async def send(self, alert: Alert) -> Awaitable[object]:
        self.alerts.append(alert)
        self.journal.append(f"alert {alert.status}")
        if not self.held:
            return _done()
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def release(self) -> None:
        """Acknowledge what waits."""
        for future in self._waiting:
            future.set_result(None)
        self._waiting.clear()


class FakeStore:
    """A StateStore in a dictionary; it can be away."""

    def __init__(self, journal: list[str] | None = None) -> None:
        self.data: dict[bytes, bytes] = {}
        self.journal = journal if journal is not None else []
        self.away = False

    async def write(self, partition: int, changes: Sequence[Change]) -> None:
        if self.away:
            message = "the store is away"
            raise OSError(message)
        for key, value in changes:
            self.journal.append(f"{partition} {key.decode()}")
            put(self.data, key, value)

    def keep_only(self, partitions: Iterable[int]) -> Mapping[bytes, bytes]:
        kept = set(partitions)
        self.data = {k: v for k, v in self.data.items() if int(k.partition(b":")[0]) in kept}
        return self.data


def put(stored: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    """Set a key, or delete it where the value is None."""
    if value is None:
        stored.pop(key, None)
    else:
        stored[key] = value


class FakeOutlet:
    """An Outlet that remembers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, bytes]] = []
        self.keyed_values: list[tuple[str, bytes | None, bytes | None]] = []
        self.dead: list[tuple[Record, str]] = []

    async def to_partition(self, topic: str, partition: int, value: bytes) -> Awaitable[object]:
        self.sent.append((topic, partition, value))
        return _done()

    async def keyed(
        self, topic: str, key: bytes | None, value: bytes | None, _headers: Mapping[str, str]
    ) -> Awaitable[object]:
        self.keyed_values.append((topic, key, value))
        return _done()

    async def dead_letter(self, record: Record, *, stage: str, error: BaseException) -> None:
        self.dead.append((record, f"{stage}: {error}"))


class FakeRecords:
    """A RecordReader in a dictionary; it can be away."""

    def __init__(self, records: Mapping[Reference, bytes] | None = None) -> None:
        self.records = dict(records or {})
        self.asked: list[list[Reference]] = []
        self.away = False

    async def read(self, wanted: Sequence[Reference]) -> Mapping[Reference, bytes]:
        self.asked.append(list(wanted))
        if self.away:
            return {}
        return {each: self.records[each] for each in wanted if each in self.records}
