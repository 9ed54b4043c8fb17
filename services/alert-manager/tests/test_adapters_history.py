"""One suite for the history and the outbox: the fake's, and Postgres' where it can be had."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

import pytest

from alert_contracts.alerts import Alert
from alert_contracts.rules import Severity
from alert_manager.adapters.outbox import PostgresOutbox
from alert_manager.adapters.postgres import PostgresHistory
from alert_manager.domain.dedup import Closer, Standing, State, Verdict
from alert_manager.domain.history import AlertRecord, Entry, Stamps
from alert_manager.domain.orders import Order, write_orders
from alert_manager.domain.shortcut import Matter, Repeat, matter_of
from alert_manager.ports import CLOCK_SKEW_MS, AlertFilter, History, Outbox, Refusal
from alert_manager.testing import HOUR, MINUTE, NOON, FakeHistory, FakeOutbox, an_alert
from service_runtime.errors import PoisonError, TemporaryError
from service_runtime.postgres import open_database

TENANT = "default"


class Store(NamedTuple):
    """The two ports over one store."""

    history: History
    outbox: Outbox


@asynccontextmanager
async def _real(url: str) -> AsyncIterator[Store]:
    async with open_database(url, name="test", max_size=4) as database:
        yield Store(PostgresHistory(database), PostgresOutbox(database))


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.docker)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "fake":
        history = FakeHistory()
        yield Store(history, FakeOutbox(history))
    else:
        async with _real(request.getfixturevalue("database_url")) as real:
            yield real


def a_record(alert: Alert | None = None, **changes: object) -> AlertRecord:
    alert = alert or an_alert()
    told = ("pagerduty", "slack")
    standing = Standing(
        alert.id, State.FIRING, "firing", alert.sequence, notified_at=NOON, told=told
    )
    standing = replace(standing, **changes)  # type: ignore[arg-type]
    stamps = Stamps(alert.accepted_at, alert.decided_at, stored_at=NOON)
    return AlertRecord(standing, alert, stamps, updated_at=NOON)


def over(record: AlertRecord, *, at: int = NOON) -> AlertRecord:
    standing = replace(record.standing, state=State.RESOLVED, closed_by=Closer.ENGINE)
    return replace(record, standing=standing, updated_at=at)


def a_row(alert_id: str = an_alert().id, key: str = "duplicate/1/0", **changes: object) -> Entry:
    entry = Entry(alert_id, key, "decision", "duplicate", NOON, "count 101")
    return replace(entry, **changes)  # type: ignore[arg-type]


def orders_for(record: AlertRecord, *, now: int = NOON) -> list[Order]:
    receivers = ["pagerduty", "slack"]
    return write_orders(record, Verdict.FIRST_SEEN, receivers, url="u", now=now)


async def save(
    store: Store,
    *records: AlertRecord,
    rows: list[Entry] | None = None,
    orders: list[Order] | None = None,
) -> None:
    async with store.history.change() as change:
        await change.save(records, rows or [], orders or [])


async def test_what_is_saved_is_found_whole(store: Store) -> None:
    record = replace(
        a_record(
            acknowledged_by="ada",
            acknowledged_at=NOON,
            state=State.RESOLVED,
            closed_by=Closer.PERSON,
            resolved_by="bob",
            resolved_at=NOON + 1,
        ),
        resolved_reason="resolved by bob",
    )
    await save(store, record)
    assert await store.history.find(TENANT, record.standing.id) == record
    assert await store.history.find("acme", record.standing.id) is None
    assert await store.history.find(TENANT, "nothing") is None


async def test_what_is_saved_again_is_replaced(store: Store) -> None:
    await save(store, a_record())
    ended = over(a_record(an_alert("resolved", 3)))
    await save(store, ended)
    assert await store.history.find(TENANT, ended.standing.id) == ended
    assert await store.history.count_open() == 0


async def test_recall_gives_the_asked_and_the_open(store: Store) -> None:
    ended = over(a_record())
    heir = a_record(an_alert(window=NOON + HOUR))
    other = a_record(an_alert(service="search"))
    await save(store, ended, heir, other)
    async with store.history.change() as change:
        memory = await change.recall([ended.standing.id, "nothing"], [matter_of(heir.alert)])
        assert memory.by_id == {ended.standing.id: ended, heir.standing.id: heir}
        assert memory.open == {matter_of(heir.alert): heir}
        foreign = Matter("acme", heir.alert.fingerprint)
        assert (await change.recall([], [foreign])).by_id == {}
        assert (await change.recall([], [])).by_id == {}


async def test_a_change_that_fails_leaves_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.history.change() as change:
            await change.save([a_record()], [a_row()], orders_for(a_record()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.history.count_open() == 0
    assert await store.outbox.count_owed() == 0


async def test_a_fingerprint_has_one_open_alert_at_most(store: Store) -> None:
    await save(store, a_record())
    with pytest.raises(TemporaryError):
        await save(store, a_record(an_alert(window=NOON + HOUR)))
    assert await store.history.count_open() == 1


async def test_an_alert_gives_way_and_its_heir_opens_in_one_change(store: Store) -> None:
    await save(store, a_record())
    await save(store, a_record(an_alert(window=NOON + HOUR)), over(a_record()))
    assert await store.history.count_open() == 1


async def test_newer_evidence_of_a_told_alert_is_stored_without_a_look(store: Store) -> None:
    await save(store, a_record())
    newer = an_alert("updated", 4, samples=[], starts_at=NOON + 9 * HOUR)
    async with store.history.change() as change:
        found = await change.refresh([Repeat((newer,))], told_after=NOON - 1, now=NOON + 5)
    assert found == {newer.id: replace(a_record().standing, sequence=4)}
    kept = await store.history.find(TENANT, newer.id)
    assert kept is not None
    assert kept.updated_at == NOON + 5
    assert kept.alert.aggregates == {"count": 104.0}
    assert kept.alert.samples == an_alert().samples
    assert kept.alert.starts_at == an_alert().starts_at


async def test_newer_evidence_keeps_what_was_found_unless_it_found_something(store: Store) -> None:
    first = an_alert(found={"value": "root"}, annotations={"summary": "root logged in"})
    lost = an_alert("updated", 4, annotations={"summary": " logged in"})
    other = an_alert("updated", 5, found={"value": "eve"}, annotations={"summary": "eve did"})
    await save(store, a_record(first))
    for newer, expected in ((lost, first), (other, other)):
        async with store.history.change() as change:
            await change.refresh([Repeat((newer,))], told_after=NOON - 1, now=NOON + 5)
        kept = await store.history.find(TENANT, newer.id)
        assert kept is not None
        assert (kept.alert.found, kept.alert.annotations) == (expected.found, expected.annotations)
        assert kept.alert.sequence == newer.sequence


@pytest.mark.parametrize(
    "held",
    [
        a_record(state=State.ACKNOWLEDGED),
        a_record(sequence=4),
        a_record(notified_at=NOON - 1),
        a_record(notified_at=None),
        over(a_record()),
    ],
    ids=["acknowledged", "newer", "due", "untold", "over"],
)
async def test_any_other_alert_must_be_judged(store: Store, held: AlertRecord) -> None:
    await save(store, held)
    news = Repeat((an_alert("updated", 4),))
    async with store.history.change() as change:
        assert await change.refresh([news], told_after=NOON - 1, now=NOON) == {}
        assert await change.refresh([], told_after=NOON - 1, now=NOON) == {}
    assert await store.history.find(TENANT, held.standing.id) == held


async def test_repeated_decisions_are_one_row_that_counts(store: Store) -> None:
    first = a_row(key="first_seen/1/0", reason="first_seen")
    await save(store, a_record(), rows=[first, a_row(at=NOON + 1), a_row(at=NOON + 2)])
    await save(store, a_record(), rows=[a_row(at=NOON + 3, times=2, detail="count 105")])
    rows = await store.history.timeline(TENANT, an_alert().id, limit=10)
    assert rows == [
        replace(first, last_at=NOON),
        a_row(at=NOON + 1, last_at=NOON + 3, times=4, detail="count 105"),
    ]
    assert await store.history.timeline(TENANT, an_alert().id, limit=1) == rows[1:]
    assert await store.history.timeline("acme", an_alert().id, limit=10) == []


async def test_deliveries_are_noted_once_and_the_first_one_counts(store: Store) -> None:
    await save(store, a_record())
    row = a_row(key="delivery/n/delivered", kind="delivery", reason="delivered", at=NOON + 7)
    stray = replace(row, alert_id="nothing")
    for _ in range(2):
        await store.history.note_deliveries([row, stray], {an_alert().id: NOON + 7, "nothing": 1})
    await store.history.note_deliveries([], {an_alert().id: NOON + 9})
    (kept,) = await store.history.timeline(TENANT, an_alert().id, limit=10)
    assert kept == replace(row, last_at=NOON + 7)
    record = await store.history.find(TENANT, an_alert().id)
    assert record is not None
    assert record.stamps.delivered_at == NOON + 7


async def test_a_delivery_of_an_earlier_occurrence_does_not_count(store: Store) -> None:
    await save(store, a_record())
    early = NOON - CLOCK_SKEW_MS - 1
    await store.history.note_deliveries([], {an_alert().id: early})
    record = await store.history.find(TENANT, an_alert().id)
    assert record is not None
    assert record.stamps.delivered_at is None


async def test_orders_are_owed_until_they_are_published_or_refused(store: Store) -> None:
    first, second = orders_for(a_record())
    await save(store, a_record(), orders=[first, second])
    await save(store, a_record(), orders=[first])
    async with store.outbox.owed(before=NOON, limit=9) as claim:
        assert list(claim.orders) == []
    async with store.outbox.owed(before=NOON + 1, limit=9) as claim:
        assert sorted(claim.orders, key=str) == sorted([first, second], key=str)
        await claim.settle([first], [], now=NOON + 2)
    assert await store.outbox.count_owed() == 1
    await store.outbox.settle([], [Refusal(second, "too large")], now=NOON + 3)
    await store.outbox.settle([first], [], now=NOON + 4)
    await save(store, orders=[first])
    assert await store.outbox.count_owed() == 0
    record = await store.history.find(TENANT, an_alert().id)
    assert record is not None
    assert record.stamps.published_at == NOON + 2


async def test_the_oldest_orders_are_published_first(store: Store) -> None:
    later = a_record(an_alert(service="search"))
    await save(store, later, a_record(), orders=orders_for(later, now=NOON + 1))
    await save(store, orders=orders_for(a_record()))
    async with store.outbox.owed(before=NOON + 2, limit=2) as claim:
        assert {order.alert_id for order in claim.orders} == {an_alert().id}


ALERTS = [
    a_record(an_alert(service="checkout", window=NOON)),
    a_record(an_alert(service="search", window=NOON + MINUTE, severity=Severity.LOW)),
    over(a_record(an_alert(service="100%_a\\b", window=NOON + 2 * MINUTE))),
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AlertFilter(), [2, 1, 0]),
        (AlertFilter(limit=2), [2, 1]),
        (AlertFilter(states=(State.FIRING, State.ACKNOWLEDGED)), [1, 0]),
        (AlertFilter(severities=(Severity.LOW,)), [1]),
        (AlertFilter(rule="r1", service="search"), [1]),
        (AlertFilter(rule="High Error Rate"), [2, 1, 0]),
        (AlertFilter(rule="high error rate"), []),
        (AlertFilter(labels=(("severity", "low"), ("service", "search"))), [1]),
        (AlertFilter(labels=(("severity", "low"), ("service", "x"))), []),
        (AlertFilter(since=ALERTS[1].alert.starts_at), [2, 1]),
        (AlertFilter(until=ALERTS[1].alert.starts_at), [0]),
        (AlertFilter(text="ERROR rate"), [2, 1, 0]),
        (AlertFilter(text="101 >"), [2, 1, 0]),
        (AlertFilter(text="heck"), [0]),
        (AlertFilter(text="%_A\\"), [2]),
        (AlertFilter(text="s%h"), []),
        (AlertFilter(after=(ALERTS[2].alert.starts_at, ALERTS[2].standing.id), limit=1), [1]),
    ],
)
async def test_alerts_are_listed_newest_first_through_every_filter(
    store: Store, wanted: AlertFilter, expected: list[int]
) -> None:
    await save(store, *ALERTS)
    found = await store.history.search(TENANT, wanted)
    assert [record.standing.id for record in found] == [ALERTS[n].standing.id for n in expected]
    assert all(record.alert.samples == [] for record in found)
    assert await store.history.search("acme", wanted) == []


async def test_only_what_is_over_is_forgotten_with_all_that_belongs_to_it(store: Store) -> None:
    ended = over(a_record(), at=NOON)
    open_one = a_record(an_alert(service="search"))
    await save(store, ended, open_one, rows=[a_row()], orders=orders_for(ended))
    assert await store.history.forget(before=NOON, limit=9) == 0
    assert await store.history.forget(before=NOON + 1, limit=9) == 1
    assert await store.history.find(TENANT, ended.standing.id) is None
    assert await store.history.timeline(TENANT, ended.standing.id, limit=9) == []
    assert await store.history.count_open() == 1
    assert await store.outbox.count_owed() == 0


@pytest.mark.docker
async def test_what_postgres_can_never_store_is_poison(database_url: str) -> None:
    async with _real(database_url) as store:
        for bad in (an_alert(labels={"service": "a\x00b"}), an_alert(reason="\x00")):
            with pytest.raises(PoisonError):
                await save(store, a_record(bad))


@pytest.mark.docker
async def test_a_label_may_be_longer_than_an_index_entry(database_url: str) -> None:
    long = [secrets.token_hex(50_000) for _ in range(2)]
    long.append(long[0][:256])
    async with _real(database_url) as store:
        records = [a_record(an_alert(service=service)) for service in long]
        await save(store, *records)
        for record, service in zip(records, long, strict=True):
            found = await store.history.search(TENANT, AlertFilter(service=service, limit=9))
            assert [one.standing.id for one in found] == [record.standing.id]


@pytest.mark.docker
async def test_what_no_index_can_hold_is_poison_and_stops_nothing_else(database_url: str) -> None:
    async with _real(database_url) as store:
        endless = an_alert(id=secrets.token_hex(50_000))
        with pytest.raises(PoisonError, match="never store"):
            await save(store, a_record(endless))
        await save(store, a_record())
        assert await store.history.count_open() == 1


@pytest.mark.docker
async def test_a_claim_hides_its_orders_from_everybody_else(database_url: str) -> None:
    async with _real(database_url) as store:
        await save(store, a_record(), orders=orders_for(a_record()))
        owed = store.outbox.owed
        async with (
            owed(before=NOON + 1, limit=1) as first,
            owed(before=NOON + 1, limit=9) as second,
        ):
            assert len(second.orders) == 1
            assert second.orders[0] not in first.orders


@pytest.mark.docker
async def test_an_installation_has_an_identity_that_lasts(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        history = PostgresHistory(database)
        assert len(await history.installation()) == 36
        assert await history.installation() == await history.installation()


@pytest.mark.docker
async def test_a_database_that_is_away_is_a_temporary_failure() -> None:
    url = "postgresql://alertuser@127.0.0.1:1/alertdb"
    async with open_database(url, name="test", patience=0.2) as database:
        with pytest.raises(TemporaryError):
            await PostgresHistory(database).count_open()
