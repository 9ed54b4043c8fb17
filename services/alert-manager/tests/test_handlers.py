"""The use cases on fakes: batches, outages of each neighbour, people."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Counter, Gauge

from alert_contracts.alerts import WindowSpan
from alert_contracts.notifications import DeliveryResult
from alert_manager import handlers
from alert_manager.domain.dedup import ConflictError, State
from alert_manager.domain.orders import Order
from alert_manager.handlers import Request
from alert_manager.handlers.publishing import OUTBOX_AGE_MS
from alert_manager.handlers.texts import enrich
from alert_manager.ports import Published
from alert_manager.telemetry import (
    CACHE_FAILURES,
    DECISIONS,
    DEDUPLICATED,
    OPEN,
    OUTBOX,
    PROCESSED,
)
from alert_manager.testing import HOUR, MINUTE, NOON, FakePublisher, World, an_alert
from service_runtime.errors import TemporaryError


@pytest.fixture
def world() -> World:
    return World()


def _value(metric: Counter | Gauge, **labels: str) -> float:
    child = metric.labels(**labels) if labels else metric
    return float(child._value.get())  # noqa: SLF001 - prometheus_client has no public reading


async def test_an_alert_is_stored_told_and_remembered(world: World) -> None:
    await world.take(an_alert())
    assert world.told() == [("pagerduty", "first_seen"), ("slack", "first_seen")]
    (record,) = world.history.tables.alerts.values()
    assert record.stamps.published_at == NOON
    assert record.standing.told == ("pagerduty", "slack")
    (seen,) = world.seen.held.values()
    assert (seen.alert_id, seen.sequence, seen.notified_at) == (record.standing.id, 1, NOON)
    assert world.history.tables.owed == {}


async def test_a_second_run_is_a_duplicate_and_says_so(world: World) -> None:
    before = _value(PROCESSED), _value(DEDUPLICATED), _value(DECISIONS, reason="duplicate")
    await world.take(an_alert())
    await world.take(an_alert("updated", 2))
    await world.take(an_alert("updated", 3), an_alert("updated", 4))
    assert len(world.told()) == 2
    assert world.reasons() == {"first_seen": 1, "duplicate": 3}
    after = _value(PROCESSED), _value(DEDUPLICATED), _value(DECISIONS, reason="duplicate")
    assert [b - a for a, b in zip(before, after, strict=True)] == [4, 3, 3]
    (record,) = world.history.tables.alerts.values()
    assert record.standing.sequence == 4
    assert record.alert.aggregates == {"count": 104.0}


async def test_what_the_cache_knows_is_not_asked_of_the_history(world: World) -> None:
    await world.take(an_alert())
    before = _value(DECISIONS, reason="replayed")
    await world.take(an_alert())
    assert _value(DECISIONS, reason="replayed") == before + 1
    assert world.reasons() == {"first_seen": 1}


async def test_a_stale_cache_loses_no_alert(world: World) -> None:
    await world.take(an_alert())
    stale = dict(world.seen.held)
    await world.take(an_alert("resolved", 2))
    world.seen.held = stale
    await world.take(an_alert("updated", 3))
    assert world.told()[-1] == ("slack", "first_seen")


async def test_an_empty_cache_repeats_nothing(world: World) -> None:
    await world.take(an_alert())
    world.seen.held.clear()
    await world.take(an_alert(), an_alert("updated", 2))
    assert len(world.told()) == 2
    assert world.reasons() == {"first_seen": 1, "duplicate": 1}


async def test_without_the_cache_the_history_decides(world: World) -> None:
    before = _value(CACHE_FAILURES)
    world.seen.away = True
    await world.take(an_alert())
    await world.take(an_alert("updated", 2))
    assert len(world.told()) == 2
    assert _value(CACHE_FAILURES) == before + 4


async def test_a_reminder_is_sent_when_its_time_has_come(world: World) -> None:
    await world.take(an_alert())
    world.clock.now += HOUR
    await world.take(an_alert("updated", 2))
    assert world.told()[2:] == [("pagerduty", "repeat_due"), ("slack", "repeat_due")]


async def test_without_the_history_nothing_is_told_and_nothing_is_lost(world: World) -> None:
    world.history.away = True
    with pytest.raises(TemporaryError):
        await world.take(an_alert())
    assert world.told() == []
    world.history.away = False
    await world.take(an_alert())
    assert len(world.told()) == 2


async def test_while_kafka_is_away_orders_wait_in_the_outbox(world: World) -> None:
    world.publisher.away = True
    await world.take(an_alert())
    assert len(world.history.tables.owed) == 2
    world.clock.now += OUTBOX_AGE_MS + 1
    assert await handlers.publish_owed(world.desk) == 0
    world.publisher.away = False
    assert await handlers.publish_owed(world.desk) == 2
    assert await handlers.publish_owed(world.desk) == 0
    assert [receiver for receiver, _ in world.told()] == ["pagerduty", "slack"]


async def test_young_orders_are_left_to_whoever_stored_them(world: World) -> None:
    world.publisher.away = True
    await world.take(an_alert())
    world.publisher.away = False
    assert await handlers.publish_owed(world.desk) == 0


async def test_an_order_that_can_never_be_published_is_not_tried_again(world: World) -> None:
    world.publisher.refusing = {"slack"}
    await world.take(an_alert())
    assert list(world.history.tables.refused.values()) == ["too large"]
    assert world.history.tables.owed == {}


async def test_what_was_published_but_not_marked_is_published_again_under_its_id(
    world: World,
) -> None:
    class DiesBeforeMarking(FakePublisher):
        async def publish(self, orders: Sequence[Order]) -> Published:
            world.history.away = True
            return await super().publish(orders)

    world.publisher = DiesBeforeMarking()
    await world.take(an_alert())
    world.history.away = False
    sent = {order.notification.id for order in world.publisher.sent}
    assert world.history.tables.owed.keys() == sent


async def test_annotations_are_rendered_and_a_broken_one_says_so(world: World) -> None:
    texts = {
        "summary": "{{ count }} errors in {{ service }} ({{ severity }}), over {{ threshold }}",
        "broken": "{{ count | nonsense }}",
        "rate": "{{ aggregates.rate }}",
    }
    await world.take(an_alert(annotations=texts, aggregates={"count": 101.0, "rate": 0.5}))
    (record,) = world.history.tables.alerts.values()
    assert record.alert.annotations == {
        "summary": "101 errors in checkout (CRITICAL), over 100",
        "broken": "<error expanding template: there is no filter `nonsense` (line 1)>",
        "rate": "0.5",
    }
    assert len(world.told()) == 2


def test_a_rule_without_a_threshold_renders_none() -> None:
    alert = enrich(an_alert(threshold=None, annotations={"a": "[{{ threshold }}]"}))
    assert alert.annotations == {"a": "[None]"}


async def test_deliveries_are_rows_and_the_first_one_is_the_last_stage(world: World) -> None:
    await world.take(an_alert())
    alert_id = an_alert().id
    later = _result(alert_id, at=NOON + 9)
    earlier = _result(alert_id, at=NOON + 5, idempotency_key="other")
    failed = _result(alert_id, at=NOON + 2, outcome="failed")
    await handlers.note_deliveries(world.desk, [later, earlier, failed])
    await handlers.note_deliveries(world.desk, [later])
    assert world.history.tables.alerts[alert_id].stamps.delivered_at == NOON + 5
    rows = [row for row in world.history.tables.timeline.values() if row.kind == "delivery"]
    assert [(row.reason, row.times) for row in rows] == [
        ("delivered", 1),
        ("delivered", 1),
        ("failed", 1),
    ]


def _result(alert_id: str, **changes: object) -> DeliveryResult:
    values: dict[str, Any] = {
        "notification_id": "n",
        "idempotency_key": "n",
        "tenant": "default",
        "group_key": "g",
        "receiver": "slack",
        "channel": "slack",
        "integration": "slack[0]",
        "outcome": "delivered",
        "reason": "ok",
        "alert_ids": [alert_id],
        "attempts": 1,
        "at": NOON,
    }
    return DeliveryResult(**{**values, **changes})


async def test_an_acknowledged_alert_is_silent_but_its_end_is_told(world: World) -> None:
    await world.take(an_alert())
    taken = await handlers.acknowledge(world.desk, Request(an_alert().id, by="ada"))
    assert taken is not None
    assert taken.standing.acknowledged_by == "ada"
    assert world.seen.held == {}
    again = await handlers.acknowledge(world.desk, Request(an_alert().id, by="bob"))
    assert again == taken
    world.clock.now += 2 * HOUR
    await world.take(an_alert("updated", 2))
    await world.take(an_alert("resolved", 3))
    assert [reason for _, reason in world.told()] == ["first_seen"] * 2 + ["resolved"] * 2
    assert world.reasons()["acknowledged_by_person"] == 1
    with pytest.raises(ConflictError):
        await handlers.acknowledge(world.desk, Request(an_alert().id, by="bob"))


async def test_a_person_resolves_and_the_next_alert_opens_anew(world: World) -> None:
    await world.take(an_alert())
    ended = await handlers.resolve(world.desk, Request(an_alert().id, by="ada", comment="fixed"))
    assert ended is not None
    assert ended.standing.state is State.RESOLVED
    assert (ended.alert.reason, ended.resolved_reason) == (
        "count 101 > threshold 100",
        "resolved by ada: fixed",
    )
    assert world.told()[2:] == [
        ("pagerduty", "resolved_by_person"),
        ("slack", "resolved_by_person"),
    ]
    assert await handlers.resolve(world.desk, Request(an_alert().id, by="bob")) == ended
    await world.take(an_alert("updated", 2), an_alert("resolved", 3))
    assert len(world.told()) == 4
    await world.take(an_alert(window=NOON + HOUR))
    assert world.told()[4:] == [("pagerduty", "first_seen"), ("slack", "first_seen")]
    assert world.reasons()["resolved_by_person"] == 2


def test_a_text_may_show_the_window_before_and_what_was_found() -> None:
    text = "{{ previous.count }} before, {{ distinct }} now, {{ found.old }} -> {{ found.new }}"
    alert = enrich(
        an_alert(
            annotations={"summary": text},
            aggregates={"distinct": 12.0, "previous.count": 3.0},
            found={"old": "1.4", "new": "1.5"},
        )
    )
    assert alert.annotations["summary"] == "3 before, 12 now, 1.4 -> 1.5"


async def test_a_person_resolves_and_is_told_again_if_the_problem_goes_on(world: World) -> None:
    await world.take(an_alert())
    await handlers.resolve(world.desk, Request(an_alert().id, by="ada"))
    world.clock.now += HOUR - 1
    at, span = world.clock.now, WindowSpan(NOON + HOUR, NOON + 2 * HOUR)
    await world.take(an_alert("updated", 2, decided_at=at, span=span))
    assert len(world.told()) == 4
    world.clock.now += MINUTE
    for sequence in (3, 4):
        await world.take(an_alert("updated", sequence, decided_at=at, span=span))
    assert world.told()[4:] == [("pagerduty", "reopened"), ("slack", "reopened")]
    (told,) = world.publisher.sent[-1].notification.alerts
    assert told.note == "resolved by ada 1 h 0 min ago, and it still fires"
    (row,) = [row for row in world.history.tables.timeline.values() if row.reason == "reopened"]
    assert row.detail.startswith(f"count 103 > threshold 100; {told.note}; told ")
    assert world.reasons()["duplicate"] == 1
    await world.take(an_alert("resolved", 5))
    assert world.told()[6:] == [("pagerduty", "resolved"), ("slack", "resolved")]


async def test_what_somebody_says_afterwards_is_kept_once(world: World) -> None:
    await world.take(an_alert())
    for by, comment in (("ada", ""), ("bob", "me too"), ("bob", "me too"), ("bob", "")):
        await handlers.acknowledge(world.desk, Request(an_alert().id, by=by, comment=comment))
    for by, comment in (("ada", "fixed"), ("bob", "it was the disk"), ("bob", "")):
        await handlers.resolve(world.desk, Request(an_alert().id, by=by, comment=comment))
    rows = await world.history.timeline("default", an_alert().id, limit=99)
    assert [(row.reason, row.by, row.detail) for row in rows if row.kind != "decision"] == [
        ("acknowledged_by_person", "ada", ""),
        ("already_acknowledged", "bob", "me too"),
        ("resolved_by_person", "ada", "fixed"),
        ("already_resolved", "bob", "it was the disk"),
    ]


async def test_an_alert_of_events_that_are_dated_ahead_begins_when_it_was_decided(
    world: World,
) -> None:
    ahead = an_alert(starts_at=NOON + 10 * MINUTE, decided_at=NOON)
    await world.take(ahead)
    ended = await handlers.resolve(world.desk, Request(ahead.id, by="ada"))
    assert ended is not None
    assert (ended.alert.starts_at, ended.alert.ends_at) == (NOON, NOON)


async def test_nobody_can_touch_what_is_not_there_or_somebody_elses(world: World) -> None:
    assert await handlers.acknowledge(world.desk, Request("x", by="ada")) is None
    foreign = an_alert(tenant="acme")
    await world.take(foreign)
    assert await handlers.resolve(world.desk, Request(foreign.id, by="ada")) is None


async def test_old_alerts_are_forgotten_and_open_ones_never(world: World) -> None:
    await world.take(an_alert(), an_alert(service="search"))
    await world.take(an_alert("resolved", 2))
    world.clock.now += 3 * MINUTE
    assert await handlers.forget_old(world.desk, retention=timedelta(minutes=5)) == 0
    world.clock.now += 3 * MINUTE
    assert await handlers.forget_old(world.desk, retention=timedelta(minutes=5)) == 1
    (left,) = world.history.tables.alerts.values()
    assert left.alert.group == {"service": "search"}


async def test_open_alerts_and_owed_orders_are_measured(world: World) -> None:
    world.publisher.away = True
    await world.take(an_alert())
    await handlers.measure(world.desk)
    assert _value(OPEN) == 1
    assert _value(OUTBOX) == 2


_RECORDS = [
    alert
    for window in (NOON, NOON + HOUR)
    for alert in (
        an_alert("firing", 1, window=window),
        an_alert("updated", 2, window=window),
        an_alert("updated", 3, window=window),
        an_alert("resolved", 4, window=window),
    )
]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_is_repeated_flushed_or_away_everybody_hears_of_each_transition_once(
    data: st.DataObject,
) -> None:
    world = World()
    sent = 0
    while sent < len(_RECORDS):
        ahead = data.draw(st.integers(min_value=1, max_value=4), label="read")
        back = data.draw(st.integers(min_value=0, max_value=3), label="read again")
        batch = _RECORDS[max(0, sent - back) : sent + ahead]
        if data.draw(st.booleans(), label="flush"):
            world.seen.held.clear()
        world.seen.away = data.draw(st.booleans(), label="Redis away")
        world.publisher.away = data.draw(st.booleans(), label="Kafka away")
        world.history.away = data.draw(st.booleans(), label="Postgres away")
        try:
            asyncio.run(world.take(*batch))
        except TemporaryError:
            continue
        sent = min(sent + ahead, len(_RECORDS))
    world.publisher.away = world.history.away = False
    world.clock.now += HOUR
    asyncio.run(handlers.publish_owed(world.desk))
    told = [
        (order.alert_id, order.notification.status, order.notification.receiver)
        for order in world.publisher.sent
    ]
    assert len(told) == len(set(told)) == 8
