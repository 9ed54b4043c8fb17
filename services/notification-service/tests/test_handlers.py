"""From an order to its delivery, with everything outside replaced by fakes."""

import msgspec
import pytest
from prometheus_client import REGISTRY

from notification_service.domain.directory import Channel, Directory
from notification_service.domain.outcome import Action, Attempt, Patience, Reason
from notification_service.handlers import Notifier, Reporter, delay, latency, plan
from notification_service.ports import Job
from notification_service.testing import (
    FakeClock,
    FakeCourier,
    FakeWire,
    directory,
    endpoint,
    order,
)
from notification_service.testing.outbox import FakeOutbox
from service_runtime.errors import TemporaryError

DOWN = Attempt(Reason.SERVER_ERROR, 3, "answered 503")
REFUSED = Attempt(Reason.CLIENT_ERROR, 1, "answered 404", permanent=True)
ARRIVED = Attempt(Reason.OK, 1)
BOOK = directory(
    endpoint("slack"),
    endpoint("pager", Channel.PAGERDUTY),
    endpoint("mail", Channel.EMAIL, send_resolved=False),
    pager=("mail", "slack"),
)


class House:
    """A notifier with its fakes."""

    def __init__(self, book: Directory = BOOK) -> None:
        self.clock = FakeClock()
        self.courier = FakeCourier()
        self.outbox = FakeOutbox({one.name: one.destination for one in book.endpoints()})
        self.notifier = Notifier(
            outbox=self.outbox,
            courier=self.courier,
            directory=book,
            patience=Patience(),
            clock=self.clock,
        )

    async def work(self) -> list[Action]:
        """Deliver everything that is due, until nothing is."""
        slots = {"": 9, "slack": 9, "pagerduty": 9, "email": 9}
        actions: list[Action] = []
        while True:
            jobs: list[Job] = await self.outbox.claim(slots, now=self.clock.now)
            jobs += await self.outbox.claim_owed(slots, now=self.clock.now)
            if not jobs:
                return actions
            actions += [(await self.notifier.deliver(job)).action for job in jobs]

    def states(self) -> list[tuple[str, str, str | None]]:
        return [
            (row.delivery.endpoint.receiver, row.status, row.failed)
            for row in self.outbox.rows.values()
        ]


async def test_an_order_becomes_one_message_for_each_integration() -> None:
    house = House(directory(endpoint("ops"), endpoint("ops", Channel.EMAIL)))
    assert await house.notifier.accept([order("ops")]) == 2
    assert await house.work() == [Action.DELIVERED, Action.DELIVERED]
    assert house.courier.sent == [
        ("ops/slack[0]", "n1:ops:slack[0]"),
        ("ops/email[0]", "n1:ops:email[0]"),
    ]


async def test_a_repeated_order_is_the_same_order() -> None:
    house = House()
    assert await house.notifier.accept([order()]) == 1
    assert await house.notifier.accept([order()]) == 0


async def test_orders_for_a_receiver_without_integrations_ask_for_nothing() -> None:
    house = House(Directory({"blackhole": ()}, {}))
    assert await house.notifier.accept([order("blackhole")]) == 0


async def test_an_order_for_an_unknown_receiver_is_dead_and_visible() -> None:
    house = House()
    await house.notifier.accept([order("nobody")])
    assert await house.work() == [Action.DEAD]
    assert house.states() == [("nobody", "FAILED", "DEAD")]
    assert house.outbox.rows[1].reason == Reason.UNKNOWN_RECEIVER


async def test_a_resolved_message_that_nobody_wants_is_skipped_and_reported() -> None:
    house = House()
    await house.notifier.accept([order("mail", status="resolved")])
    assert await house.work() == []
    (told,) = await house.outbox.unpublished(9)
    assert (told.result.outcome, told.result.reason) == ("skipped", "resolved_not_wanted")


async def test_a_failure_falls_back_along_the_chain() -> None:
    house = House()
    house.courier.answers = {"pager/pagerduty[0]": [DOWN], "mail/email[0]": [REFUSED]}
    await house.notifier.accept([order("pager")])
    assert await house.work() == [Action.FELL_BACK, Action.FELL_BACK, Action.DELIVERED]
    assert house.states() == [
        ("pager", "FELL_BACK", None),
        ("mail", "FELL_BACK", None),
        ("slack", "DELIVERED", None),
    ]
    assert house.courier.sent[-1] == ("slack/slack[0]", "n1:slack:slack[0]")


async def test_at_the_end_of_the_chain_all_of_it_is_owed_and_refusals_are_dead() -> None:
    house = House()
    house.courier.answers = {
        "pager/pagerduty[0]": [DOWN],
        "mail/email[0]": [REFUSED],
        "slack/slack[0]": [DOWN],
    }
    await house.notifier.accept([order("pager")])
    await house.work()
    assert house.states() == [
        ("pager", "FAILED", "PENDING"),
        ("mail", "FAILED", "DEAD"),
        ("slack", "FAILED", "PENDING"),
    ]


async def test_whoever_was_told_late_through_a_fallback_is_not_owed_the_original() -> None:
    house = House()
    house.courier.answers = {
        "pager/pagerduty[0]": [DOWN],
        "mail/email[0]": [DOWN],
        "slack/slack[0]": [DOWN, ARRIVED],
    }
    await house.notifier.accept([order("pager")])
    await house.work()
    house.courier.answers["pager/pagerduty[0]"] = [DOWN]
    house.clock.advance(2_000)
    await house.work()
    assert house.states() == [
        ("pager", "SKIPPED", "DELIVERED"),
        ("mail", "SKIPPED", "DELIVERED"),
        ("slack", "DELIVERED", "DELIVERED"),
    ]


async def test_whoever_heard_of_a_page_instead_hears_of_its_end_too() -> None:
    house = House()
    house.courier.answers = {"pager/pagerduty[0]": [DOWN, ARRIVED], "mail/email[0]": [REFUSED]}
    await house.notifier.accept([order("pager", id="fire")])
    await house.work()
    await house.notifier.accept([order("pager", id="over", status="resolved")])
    await house.work()
    assert house.courier.sent[-2:] == [
        ("pager/pagerduty[0]", "over:pager:pagerduty[0]"),
        ("slack/slack[0]", "over:slack:slack[0]"),
    ]


async def test_a_resolution_does_not_fall_back_but_is_owed() -> None:
    house = House()
    house.courier.answers = {"pager/pagerduty[0]": [DOWN]}
    await house.notifier.accept([order("pager", status="resolved")])
    assert await house.work() == [Action.OWED]
    assert house.states() == [("pager", "FAILED", "PENDING")]


async def test_what_is_owed_is_delivered_with_the_same_key_when_the_channel_is_back() -> None:
    house = House()
    house.courier.answers = {"slack/slack[0]": [DOWN, ARRIVED]}
    await house.notifier.accept([order()])
    assert await house.work() == [Action.OWED]
    assert await house.work() == []
    house.clock.advance(1_000)
    assert await house.work() == [Action.DELIVERED]
    assert house.courier.sent == [("slack/slack[0]", "n1:slack:slack[0]")] * 2


async def test_a_resolution_waits_behind_the_page_that_is_owed() -> None:
    house = House()
    house.courier.answers = {"slack/slack[0]": [DOWN, ARRIVED]}
    await house.notifier.accept([order(id="fire"), order(id="over", status="resolved")])
    assert await house.work() == [Action.OWED, Action.OWED]
    assert house.states() == [("slack", "FAILED", "PENDING")] * 2
    house.clock.advance(1_000)
    assert await house.work() == [Action.DELIVERED, Action.DELIVERED]
    assert [key.split(":")[0] for _, key in house.courier.sent] == ["fire", "fire", "over"]


async def test_what_another_process_has_taken_over_is_left_to_it() -> None:
    house = House(directory(endpoint("ops")))
    house.courier.answers = {"ops/slack[0]": [Attempt(Reason.LEASE_LOST)]}
    await house.notifier.accept([order("ops")])
    (job,) = await house.outbox.claim({"slack": 1}, now=house.clock.now)
    assert (await house.notifier.deliver(job)).action is Action.LEFT
    assert house.states() == [("ops", "SENDING", None)]


async def test_nothing_is_lost_while_the_store_is_away() -> None:
    house = House()
    house.outbox.away = True
    with pytest.raises(TemporaryError):
        await house.notifier.accept([order()])


async def test_results_are_told_once_they_are_stored_and_only_once() -> None:
    house, wire = House(), FakeWire()
    reporter = Reporter(house.outbox, wire)
    await house.notifier.accept([order()])
    assert await reporter.publish() == 0
    await house.work()
    assert await reporter.publish() == 1
    assert await reporter.publish() == 0
    assert [(one.outcome, one.reason) for one in wire.results] == [("delivered", "ok")]


async def test_a_result_that_kafka_did_not_take_comes_again() -> None:
    house, wire = House(), FakeWire(away=True)
    reporter = Reporter(house.outbox, wire)
    await house.notifier.accept([order()])
    await house.work()
    with pytest.raises(TemporaryError):
        await reporter.publish()
    wire.away = False
    assert await reporter.publish() == 1


def test_the_ways_from_the_event_and_from_the_decision_to_the_person_are_measured_once() -> None:
    first = order(now=1_000)
    alert = msgspec.structs.replace(first.alerts[0], accepted_at=1_000, decided_at=1_200)
    timed = msgspec.structs.replace(first, alerts=[alert])
    assert (latency(timed, 1_250), delay(timed, 1_250)) == (0.25, 0.05)
    untimed = msgspec.structs.replace(alert, accepted_at=None, decided_at=None)
    for silent in (
        msgspec.structs.replace(timed, alerts=[untimed]),
        msgspec.structs.replace(timed, reason="repeat_due"),
        msgspec.structs.replace(timed, status="resolved"),
    ):
        assert (latency(silent, 1_250), delay(silent, 1_250)) == (None, None)


async def test_a_delivery_of_a_timed_order_is_observed() -> None:
    house = House()
    names = ("tocsin_alert_to_notification_seconds", "tocsin_decision_to_notification_seconds")

    def observed(figure: str) -> list[float]:
        return [REGISTRY.get_sample_value(f"{name}_{figure}") or 0 for name in names]

    counts, (accepted, decided) = observed("count"), observed("sum")
    timed, now = order(), house.clock.now
    alert = msgspec.structs.replace(
        timed.alerts[0], accepted_at=now - 12_000, decided_at=now - 2_000
    )
    await house.notifier.accept([msgspec.structs.replace(timed, alerts=[alert])])
    await house.work()
    assert observed("count") == [count + 1 for count in counts]
    assert observed("sum") == pytest.approx([accepted + 12, decided + 2])


def test_a_message_of_a_chain_knows_whom_it_stands_in_for() -> None:
    (planned,) = plan(BOOK, order("pager"), "slack", ("pager", "slack"))
    assert planned.key == "n1:slack:slack[0]"
    assert planned.visited == ("pager", "slack")
