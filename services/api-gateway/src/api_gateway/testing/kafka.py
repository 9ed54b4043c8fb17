"""Topics and a producer that need no broker."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alert_contracts.rule_status import STALE_MS, RuleStatus
from alert_contracts.rules import Rule
from api_gateway.domain.records import LogRecord
from api_gateway.ports import Clock, RuleKey, Version
from service_runtime.errors import TemporaryError


class FakeEventLog:
    """Keeps records in a list; is away on demand, or slow until `release`."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.away = False
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        """Acknowledge nothing until `release`."""
        self._gate.clear()

    def release(self) -> None:
        """Acknowledge everything."""
        self._gate.set()

    async def append(self, record: LogRecord) -> None:
        """Keep the record."""
        await self._gate.wait()
        if self.away:
            message = "Kafka is away"
            raise TemporaryError(message, retry_after=1.0)
        self.records.append(record)


class FakeRuleTopic:
    """Keeps the newest rule of each key; is away on demand."""

    def __init__(self) -> None:
        self.rules: dict[RuleKey, Rule] = {}
        self.away = False
        self.breaks_after_demand = False
        """Away, but only found out by the write."""

    async def demand(self) -> None:
        """Raise TemporaryError if away."""
        self._demand()

    async def put(self, rule: Rule) -> None:
        """Keep the rule."""
        self._demand(writing=True)
        self.rules[rule.tenant, rule.id] = rule

    async def withdraw(self, key: RuleKey) -> None:
        """Forget the rule."""
        self._demand(writing=True)
        self.rules.pop(key, None)

    async def content(self) -> Mapping[RuleKey, Version]:
        """Return the version of every rule."""
        self._demand()
        return {key: (rule.revision, rule.updated_at) for key, rule in self.rules.items()}

    def _demand(self, *, writing: bool = False) -> None:
        if self.away or (writing and self.breaks_after_demand):
            message = "Kafka is away"
            raise TemporaryError(message, retry_after=1.0)


class FakeStatusFeed:
    """Tells what tests have workers say; is away on demand."""

    def __init__(self, *, clock: Clock) -> None:
        self.away = False
        self._clock = clock
        self._said: list[RuleStatus] = []

    def say(self, *statuses: RuleStatus) -> None:
        """Have a worker tell of rules."""
        self._said += statuses

    async def told(self) -> Sequence[RuleStatus]:
        """Return what was told since the last call."""
        if self.away:
            message = "Kafka is away"
            raise TemporaryError(message)
        said, self._said = self._said, []
        return [each for each in said if each.at > self._clock() - STALE_MS]


@dataclass(slots=True)
class Sent:
    """One record handed to a `FakeProducer`; `report` is its delivery report."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Mapping[str, str]
    report: "asyncio.Future[tuple[int, int]]"


class FakeProducer:
    """A producer whose broker acknowledges at once, or never, or not at all."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answering = True
        self.checks = 0

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "asyncio.Future[tuple[int, int]]":
        """Take a record."""
        report: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        if self.answering:
            report.set_result((0, len(self.sent)))
        self.sent.append(Sent(topic, value, key, dict(headers or {}), report))
        return report

    async def check(self) -> None:
        """Raise TemporaryError while not answering."""
        self.checks += 1
        if not self.answering:
            message = "no broker"
            raise TemporaryError(message)
