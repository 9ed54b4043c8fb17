"""What a record must be before anything is decided about it."""

import asyncio
import json

import pytest

from alert_contracts.alerts import encode_alert
from alert_contracts.notifications import DeliveryResult, decode_notification, encode
from alert_contracts.topics import Topic
from alert_manager.adapters.kafka import KafkaPublisher
from alert_manager.domain.intake import Memory, Sheet
from alert_manager.entrypoints.consumer import LATEST, parse_alert, parse_result
from alert_manager.testing import NOON, POLICY, an_alert
from service_runtime.consumer import Record
from service_runtime.errors import PermanentError, PoisonError, TemporaryError
from service_runtime.kafka import Headers


def record(value: bytes | None) -> Record:
    return Record("alerts", 0, 1, b"k", value, {}, NOON)


def test_an_alert_is_read_as_it_was_written() -> None:
    assert parse_alert(record(encode_alert(an_alert()))) == an_alert()


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        encode_alert(an_alert(id="")),
        encode_alert(an_alert(fingerprint="")),
        encode_alert(an_alert(starts_at=LATEST + 1)),
        encode_alert(an_alert(ends_at=10**30)),
        encode_alert(an_alert(decided_at=-1)),
        json.dumps({"id": "x", "threshold": float("nan")}).encode(),
    ],
)
def test_what_is_no_alert_is_poison(value: bytes | None) -> None:
    with pytest.raises(PoisonError):
        parse_alert(record(value))


def test_a_delivery_result_is_read_as_it_was_written() -> None:
    result = DeliveryResult(
        notification_id="n",
        idempotency_key="k",
        tenant="default",
        group_key="g",
        receiver="slack",
        channel="slack",
        integration="slack[0]",
        outcome="delivered",
        reason="ok",
        alert_ids=["a"],
        attempts=1,
        at=NOON,
    )
    assert parse_result(record(encode(result))) == result
    with pytest.raises(PoisonError):
        parse_result(record(b"{}"))


class FakeProducer:
    """Acknowledges, or answers with the failure of that receiver."""

    def __init__(self, failures: dict[str, Exception]) -> None:
        self._failures = failures
        self.sent: list[tuple[str, bytes, Headers]] = []

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | None = None,
    ) -> "asyncio.Future[tuple[int, int]]":
        done: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        receiver = decode_notification(value or b"").receiver
        if receiver in self._failures:
            done.set_exception(self._failures[receiver])
        else:
            done.set_result((0, 0))
            self.sent.append((topic, key or b"", headers or {}))
        return done


async def test_orders_go_out_under_their_groups_key_and_trace() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sheet = Sheet(POLICY, Memory(), NOON)
    sheet.judge(an_alert(traceparent=trace))
    producer = FakeProducer({})
    published = await KafkaPublisher(producer).publish(sheet.orders)
    assert published.done == sheet.orders
    topic, key, headers = producer.sent[0]
    assert topic == Topic.NOTIFICATIONS
    assert key.decode() == f"default/pagerduty/{an_alert().fingerprint}"
    assert headers["schema"] == "notification/1"
    assert headers["traceparent"][:36] == trace[:36]


async def test_each_order_has_its_own_fate() -> None:
    sheet = Sheet(POLICY, Memory(), NOON)
    sheet.judge(an_alert())
    failures = {"slack": TemporaryError("Kafka: away"), "pagerduty": PermanentError("too large")}
    published = await KafkaPublisher(FakeProducer(failures)).publish(sheet.orders)
    assert published.done == []
    assert published.postponed == "Kafka: away"
    assert [refusal.reason for refusal in published.refused] == ["too large"]


async def test_a_bug_is_no_fate() -> None:
    sheet = Sheet(POLICY, Memory(), NOON)
    sheet.judge(an_alert())
    with pytest.raises(ZeroDivisionError):
        await KafkaPublisher(FakeProducer({"slack": ZeroDivisionError()})).publish(sheet.orders)
