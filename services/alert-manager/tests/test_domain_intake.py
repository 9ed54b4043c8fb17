"""Whatever is repeated, replayed or reordered: each person hears of each transition once."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.alerts import Alert
from alert_contracts.config import parse_config
from alert_manager.domain.dedup import Closer, Standing, State, Verdict
from alert_manager.domain.history import AlertRecord, Stamps
from alert_manager.domain.intake import Memory, Policy, Sheet
from alert_manager.domain.orders import Order
from alert_manager.testing import HOUR, NOON, POLICY, an_alert


@pytest.mark.parametrize(
    ("ttl", "ago"), [(20_000, "20 s"), (150_000, "2 min"), (2 * HOUR + 90_000, "2 h 1 min")]
)
def test_a_reopened_alert_says_who_had_resolved_it_and_when(ttl: int, ago: str) -> None:
    first = an_alert()
    ended = Standing(
        first.id,
        State.RESOLVED,
        "firing",
        1,
        closed_by=Closer.PERSON,
        resolved_by="ada",
        resolved_at=NOON,
    )
    memory = Memory()
    memory.keep(AlertRecord(ended, first, Stamps(), NOON))
    policy = replace(POLICY, dedup_ttl=ttl)
    again = an_alert("updated", 2, decided_at=NOON + ttl)
    sheet = judged(memory, again, now=NOON + ttl, policy=policy)
    told = {order.notification.alerts[0].note for order in sheet.orders}
    assert told == {f"resolved by ada {ago} ago, and it still fires"}


def judged(memory: Memory, *alerts: Alert, now: int = NOON, policy: Policy = POLICY) -> Sheet:
    sheet = Sheet(policy, memory, now)
    for alert in alerts:
        sheet.judge(alert)
    return sheet


def verdicts(sheet: Sheet) -> list[Verdict]:
    return [verdict for _, verdict in sheet.verdicts]


def test_a_life_in_one_batch() -> None:
    sheet = judged(Memory(), an_alert(), an_alert("updated", 2), an_alert("resolved", 3))
    assert verdicts(sheet) == [Verdict.FIRST_SEEN, Verdict.DUPLICATE, Verdict.RESOLVED]
    told = [(order.notification.receiver, order.notification.status) for order in sheet.orders]
    assert told == [
        ("pagerduty", "firing"),
        ("slack", "firing"),
        ("pagerduty", "resolved"),
        ("slack", "resolved"),
    ]
    (record,) = sheet.records
    assert (record.standing.state, record.standing.closed_by) == (State.RESOLVED, Closer.ENGINE)


def test_a_row_says_what_happened_and_who_was_told_by_which_route() -> None:
    (entry,) = judged(Memory(), an_alert()).entries
    assert entry.reason == "first_seen"
    told = 'told pagerduty (severity="critical"); slack (matches everything)'
    assert entry.detail == f"count 101 > threshold 100; {told}"


def test_an_heir_takes_over_and_is_stored_after_the_one_that_gives_way() -> None:
    memory = Memory()
    old = judged(memory, an_alert()).records[0].alert
    sheet = judged(memory, an_alert(window=NOON + HOUR))
    assert verdicts(sheet) == [Verdict.DUPLICATE]
    assert sheet.orders == []
    first, second = sheet.records
    assert (first.standing.id, first.standing.closed_by) == (old.id, Closer.NEWER)
    assert second.standing.told == ("pagerduty", "slack")
    assert [entry.reason for entry in sheet.entries] == ["superseded", "duplicate"]
    ended = judged(memory, an_alert("resolved", 2, window=NOON + HOUR))
    assert len(ended.orders) == 2


def test_a_receiver_that_was_taken_out_of_the_configuration_is_not_told_of_the_end() -> None:
    memory = Memory()
    judged(memory, an_alert())
    config = parse_config({"route": {"receiver": "email"}, "receivers": [{"name": "email"}]})
    policy = Policy(config, dedup_ttl=HOUR, external_url="")
    sheet = judged(memory, an_alert("resolved", 2), policy=policy)
    assert sheet.orders == []
    assert sheet.entries[0].detail.endswith("told nobody")


def test_a_reminder_goes_by_todays_routes() -> None:
    memory = Memory()
    judged(memory, an_alert())
    sheet = judged(memory, an_alert("updated", 2), now=NOON + HOUR)
    assert verdicts(sheet) == [Verdict.REPEAT_DUE]
    assert {order.notification.reason for order in sheet.orders} == {"repeat_due"}


def test_what_gave_way_leaves_its_heir_open() -> None:
    memory = Memory()
    judged(memory, an_alert())
    heir = judged(memory, an_alert(window=NOON + HOUR)).records[1].alert
    sheet = judged(memory, an_alert("resolved", 2))
    assert verdicts(sheet) == [Verdict.SUPERSEDED]
    assert [record.standing.id for record in memory.open.values()] == [heir.id]


# --- Laws ----------------------------------------------------------------------------------------


def _life(window: int, length: int) -> list[Alert]:
    """Return the records of one alert from its opening to its end."""
    updates = [an_alert("updated", n, window=window) for n in range(2, length)]
    return [
        an_alert("firing", 1, window=window),
        *updates,
        an_alert("resolved", length, window=window),
    ]


LIVES = st.lists(st.integers(min_value=2, max_value=5), min_size=1, max_size=4).map(
    lambda lengths: [_life(NOON + n * HOUR, length) for n, length in enumerate(lengths)]
)


@st.composite
def _replayed(draw: st.DrawFn) -> tuple[list[list[Alert]], list[Alert]]:
    """Lives one after the other, with any stretch of what has been sent sent again at any time."""
    lives = draw(LIVES)
    sent: list[Alert] = []
    stream: list[Alert] = []
    for alert in (alert for life in lives for alert in life):
        sent.append(alert)
        stream.append(alert)
        back = draw(st.integers(min_value=0, max_value=4))
        stream += sent[len(sent) - back :]
    return lives, stream


def _told(orders: list[Order]) -> Counter[tuple[str, str, str]]:
    return Counter(
        (order.alert_id, order.notification.status, order.notification.receiver) for order in orders
    )


@given(case=_replayed())
def test_replays_tell_nobody_twice_and_lose_nothing(
    case: tuple[list[list[Alert]], list[Alert]],
) -> None:
    lives, stream = case
    orders = judged(Memory(), *stream).orders
    expected = {
        (life[0].id, status, receiver): 1
        for life in lives
        for status in ("firing", "resolved")
        for receiver in ("pagerduty", "slack")
    }
    assert _told(orders) == expected
    assert len({order.notification.id for order in orders}) == len(orders)


@given(lives=LIVES, data=st.data())
def test_whatever_the_order_each_transition_has_one_identity(
    lives: list[list[Alert]], data: st.DataObject
) -> None:
    records = [alert for life in lives for alert in life]
    stream = data.draw(st.lists(st.sampled_from(records), max_size=40))
    memory = Memory()
    orders = judged(memory, *stream).orders
    by_id = Counter(order.notification.id for order in orders)
    assert all(times == 1 for times in by_id.values())
    assert len(memory.open) <= 1
    firing = {
        (o.alert_id, o.notification.receiver) for o in orders if o.notification.status == "firing"
    }
    ended = {
        (o.alert_id, o.notification.receiver) for o in orders if o.notification.status == "resolved"
    }
    assert {receiver for _, receiver in ended} <= {receiver for _, receiver in firing}


@given(
    said=st.integers(min_value=1, max_value=6),
    before=st.lists(st.integers(min_value=0, max_value=6), max_size=5),
    after=st.lists(st.integers(min_value=0, max_value=6), max_size=5),
)
def test_an_end_that_reuses_the_last_number_closes_the_alert_and_is_told_once(
    said: int, before: list[int], after: list[int]
) -> None:
    life = [an_alert(), *(an_alert("updated", n) for n in range(2, said + 1))]
    end = an_alert("resolved", said)
    again = [*life, end]
    stream = [*life, *(life[n] for n in before if n < said), end]
    stream += [again[n] for n in after if n <= said]
    memory = Memory()
    orders = judged(memory, *stream).orders
    assert not memory.open
    assert set(_told(orders).values()) == {1}
    assert len(_told(orders)) == 4
    assert len({order.notification.id for order in orders}) == len(orders)
