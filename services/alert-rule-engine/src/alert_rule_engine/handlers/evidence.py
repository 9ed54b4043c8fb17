"""Alerts wait for their samples, in order and for a bounded time, and are then handed over."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final

import msgspec

from alert_contracts.alerts import Alert
from alert_contracts.rules import RuleType
from alert_rule_engine import telemetry
from alert_rule_engine.domain.evidence import (
    Question,
    Reference,
    Search,
    Selector,
    admitted,
)
from alert_rule_engine.ports import AlertSink, Clock, RecordReader
from service_runtime.telemetry import logger

log = logger(__name__)
MAX_WAITING: Final = 2_000
"""Alerts that may wait here; the state keeps the others."""
BURST: Final = 64
RECORDS_PER_SECOND: Final = 100
"""Records read again, at once and on average; an alert that would need more shows fewer events.
A record takes up to 3 ms, where nothing tells beforehand which of its events are asked for."""
LOOKS: Final = 4
"""Records looked through, for a millisecond or two each, before others have their turn: that is
the next record of the log, which takes as long. An alert would wait for one after each look."""
Selectors = Callable[[str], Selector | None]
"""Returns the selector of a pane spec; None if no rule reads it any more."""


class Statement:
    """One alert on its way. To await it is to wait until it is stored for good."""

    def __init__(self, alert: Alert, question: Question | None) -> None:
        self.alert = alert
        self.question = question
        self.handed_over: asyncio.Future[Awaitable[object]] = (
            asyncio.get_running_loop().create_future()
        )

    def __await__(self) -> Generator[Any, Any, object]:
        acknowledged = yield from self.handed_over
        return (yield from acknowledged.__await__())


class Allowance:
    """How much may be spent: so much at once, and so much a second."""

    def __init__(self, burst: int, per_second: float, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds."""
        self._burst = burst
        self._per_second = per_second
        self._monotonic = monotonic
        self._left = float(burst)
        self._at = monotonic()

    def take(self, asked: int) -> int:
        """Return how much of what is asked may be spent; it counts as spent."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        granted = min(asked, int(self._left))
        self._left -= granted
        return granted


class Witness:
    """Finds the samples of alerts and hands them over, in the order in which they were said."""

    def __init__(
        self,
        alerts: AlertSink,
        records: RecordReader,
        selectors: Selectors,
        *,
        clock: Clock,
        allowance: Allowance,
    ) -> None:
        self._alerts = alerts
        self._records = records
        self._selectors = selectors
        self._clock = clock
        self._allowance = allowance
        self._waiting: list[Statement] = []
        self._some = asyncio.Event()

    def room(self) -> int:
        """Return how many alerts may be said before others were handed over."""
        return MAX_WAITING - len(self._waiting)

    def say(self, alert: Alert, question: Question | None) -> Statement:
        """Let an alert wait for its turn."""
        statement = Statement(alert, question)
        self._waiting.append(statement)
        self._some.set()
        return statement

    def forget(self) -> None:
        """Leave unsaid what waits."""
        self._waiting = []

    async def run(self) -> None:
        """Hand over what waits, for ever."""
        while True:
            await self._some.wait()
            await self.hand_over()

    async def hand_over(self) -> None:
        """Hand over all that waits now."""
        statements, self._waiting = self._waiting, []
        self._some.clear()
        try:
            await self._show(statements)
        except Exception:  # whatever it is, an alert without samples is better than none
            log.exception("samples_not_found")
        for statement in statements:
            alert = statement.alert
            statement.handed_over.set_result(await self._alerts.send(alert))
            telemetry.ALERTS.labels(alert.status).inc()
            if alert.status == "firing" and alert.accepted_at is not None:
                age = max(0, self._clock() - alert.accepted_at)
                telemetry.EVENT_TO_ALERT.observe(age / 1000)

    async def _show(self, statements: Sequence[Statement]) -> None:
        """Give the alerts their samples, as far as the records can be had."""
        asking = [(each, each.question) for each in statements if each.question is not None]
        search = Search([question for _, question in asking], self._selectors)
        telling = search.telling()
        if not telling or await self._look(search, telling):
            await self._look(search, search.lacking(telling))
        found_of = zip(asking, search.samples(), search.crossings(), strict=True)
        for (statement, question), samples, crossing in found_of:
            alert, selector = statement.alert, self._selectors(question.spec)
            found = alert.found
            if alert.rule.type == RuleType.MATCH and selector is not None:
                found = found or admitted(crossing, selector)
            statement.alert = msgspec.structs.replace(alert, samples=samples, found=found)

    async def _look(self, search: Search, wanted: Sequence[Reference]) -> bool:
        """Look through records; tell whether any of them was there to be read."""
        granted = self._allowance.take(len(wanted))
        telemetry.EVIDENCE.labels("spared").inc(len(wanted) - granted)
        if granted == 0:
            return False
        records = await self._records.read(wanted[:granted])
        telemetry.EVIDENCE.labels("read").inc(len(records))
        telemetry.EVIDENCE.labels("missing").inc(granted - len(records))
        for number, (reference, value) in enumerate(records.items()):
            search.look(reference, value)
            if number % LOOKS == LOOKS - 1:
                await asyncio.sleep(0)
        return bool(records)
