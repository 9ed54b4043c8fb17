"""A desk and everything around it, in memory."""

from dataclasses import dataclass, field

from alert_contracts.alerts import Alert
from alert_manager.handlers import Desk, take_in
from alert_manager.testing.fakes import FakeClock, FakePublisher, FakeSeenCache
from alert_manager.testing.history import FakeHistory, FakeOutbox
from alert_manager.testing.samples import HOUR, POLICY, an_alert


@dataclass
class World:
    """What tests move and look at."""

    history: FakeHistory = field(default_factory=FakeHistory)
    seen: FakeSeenCache = field(default_factory=lambda: FakeSeenCache(HOUR))
    publisher: FakePublisher = field(default_factory=FakePublisher)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def desk(self) -> Desk:
        return Desk(
            policy=POLICY,
            history=self.history,
            outbox=FakeOutbox(self.history),
            seen=self.seen,
            publisher=self.publisher,
            clock=self.clock,
        )

    async def take(self, *alerts: Alert) -> None:
        await take_in(self.desk, alerts)

    def told(self) -> list[tuple[str, str]]:
        sent = [order.notification for order in self.publisher.sent]
        return [(one.receiver, one.reason) for one in sent]

    def reasons(self, alert_id: str = an_alert().id) -> dict[str, int]:
        rows = self.history.tables.timeline.values()
        return {row.reason: row.times for row in rows if row.alert_id == alert_id}
