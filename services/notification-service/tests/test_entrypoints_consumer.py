"""Orders from Kafka: parsed at the edge, stored before anything else."""

import pytest

from alert_contracts.notifications import encode
from notification_service.domain.outcome import Patience
from notification_service.entrypoints.consumer import handler, parse
from notification_service.handlers import Notifier
from notification_service.testing import FakeClock, FakeCourier, directory, endpoint, order
from notification_service.testing.outbox import FakeOutbox
from service_runtime.consumer import Parsed, Record
from service_runtime.errors import PoisonError

DEEP = b'{"unknown": ' + b"[" * 100_000


def record(value: bytes | None) -> Record:
    return Record("notifications", 0, 1, b"group", value, {}, 0)


def test_an_order_is_read() -> None:
    assert parse(record(encode(order()))) == order()


@pytest.mark.parametrize("value", [None, b"", b"{", b"{}", b'{"id": 3}', DEEP])
def test_anything_else_is_poison(value: bytes | None) -> None:
    with pytest.raises(PoisonError):
        parse(record(value))


async def test_new_orders_wake_the_dispatcher_and_repeats_do_not() -> None:
    book = directory(endpoint("slack"))
    outbox = FakeOutbox({"slack/slack[0]": "slack"})
    notifier = Notifier(
        outbox=outbox,
        courier=FakeCourier(),
        directory=book,
        patience=Patience(),
        clock=FakeClock(),
    )
    woken: list[int] = []
    handle = handler(notifier, lambda: woken.append(len(outbox.rows)))
    batch = [Parsed(order(), record(b""))]
    await handle(batch)
    await handle(batch)
    assert woken == [1]
