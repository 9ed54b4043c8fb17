"""A clock, a cache and a publisher in memory; the cache passes the suite of the real one."""

from collections.abc import Iterable, Mapping, Sequence

from alert_manager.domain.orders import Order
from alert_manager.domain.shortcut import Matter, Seen
from alert_manager.ports import Published, Refusal
from service_runtime.errors import TemporaryError


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: int = 1_790_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class FakeSeenCache:
    """Remembers until it is flushed. `away` makes it fail."""

    def __init__(self, ttl: int) -> None:
        self._ttl = ttl
        self.held: dict[Matter, Seen] = {}
        self.away = False

    def _check(self) -> None:
        if self.away:
            message = "Redis: away"
            raise TemporaryError(message)

    async def look_up(self, matters: Sequence[Matter]) -> dict[Matter, Seen]:
        self._check()
        return {matter: self.held[matter] for matter in matters if matter in self.held}

    async def update(
        self, seen: Mapping[Matter, Seen], gone: Iterable[Matter], *, now: int
    ) -> None:
        self._check()
        lasting = {matter: one for matter, one in seen.items() if one.notified_at + self._ttl > now}
        self.held.update(lasting)
        for matter in gone:
            self.held.pop(matter, None)


class FakePublisher:
    """Keeps what is published. `away` postpones everything, `refusing` refuses those receivers."""

    def __init__(self) -> None:
        self.sent: list[Order] = []
        self.away = False
        self.refusing: set[str] = set()

    async def publish(self, orders: Sequence[Order]) -> Published:
        if self.away:
            return Published([], [], "Kafka: away")
        refused = [o for o in orders if o.notification.receiver in self.refusing]
        done = [order for order in orders if order not in refused]
        self.sent += done
        return Published(done, [Refusal(order, "too large") for order in refused])
