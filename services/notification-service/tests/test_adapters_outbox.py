"""The outbox: one suite for the fake and for Postgres."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from notification_service.adapters.ledger import PostgresLedger
from notification_service.adapters.postgres import PostgresOutbox
from notification_service.domain.directory import Channel
from notification_service.domain.outcome import Attempt, Reason
from notification_service.handlers import plan
from notification_service.ports import Job, NewDelivery, Outbox, ResultLog
from notification_service.testing import directory, endpoint, order
from notification_service.testing.outbox import FakeOutbox
from service_runtime.errors import PoisonError
from service_runtime.postgres import Database, open_database

NOW = 1_800_000_000_000
LEASE = 15_000
BOOK = directory(endpoint("slack"), endpoint("pager", Channel.PAGERDUTY), pager=("slack",))
ENDPOINTS = BOOK.endpoints()
ALL = {"": 9, "slack": 9, "pagerduty": 9}
DOWN = Attempt(Reason.SERVER_ERROR, 3, "answered 503")
OPEN = Attempt(Reason.CIRCUIT_OPEN, 0, "open")
REFUSED = Attempt(Reason.CLIENT_ERROR, 1, "answered 404", permanent=True)
ARRIVED = Attempt(Reason.OK, 1)


@dataclass(frozen=True, slots=True)
class Kit:
    outbox: Outbox
    results: ResultLog


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.docker)])
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    if request.param == "fake":
        fake = FakeOutbox({one.name: one.destination for one in ENDPOINTS}, lease_ms=LEASE)
        yield Kit(fake, fake)
        return
    async with open_database(request.getfixturevalue("database_url"), name="test") as database:
        yield Kit(postgres(database), PostgresLedger(database))


def postgres(database: Database, owner: str = "me") -> PostgresOutbox:
    return PostgresOutbox(database, ENDPOINTS, owner=owner, lease_ms=LEASE)


def message(receiver: str = "slack", **fields: Any) -> NewDelivery:  # noqa: ANN401 - order's fields
    (one,) = plan(BOOK, order(receiver, **fields), receiver, (receiver,))
    return one


def stand_in(job: Job) -> list[NewDelivery]:
    return plan(BOOK, job.order, "slack", (*job.visited, "slack"))


async def claim_one(kit: Kit, *, now: int = NOW) -> Job:
    (job,) = await kit.outbox.claim(ALL, now=now)
    return job


async def outcomes(kit: Kit) -> list[tuple[str, str, str]]:
    told = await kit.results.unpublished(99)
    await kit.results.published(told)
    return [(one.result.receiver, one.result.outcome, one.result.reason) for one in told]


async def test_what_was_added_is_claimed_once_with_all_that_it_needs(kit: Kit) -> None:
    new = message()
    assert await kit.outbox.add([new, new], now=NOW) == 1
    assert await kit.outbox.add([new], now=NOW) == 0
    job = await claim_one(kit)
    assert (job.key, job.order, job.visited) == (new.key, new.order, ("slack",))
    assert (job.receiver, job.integration, job.channel) == ("slack", "slack[0]", "slack")
    assert (job.owed, job.behind, job.rounds, job.created_at) == (False, False, 0, NOW)
    assert await kit.outbox.claim(ALL, now=NOW) == []


async def test_a_lease_that_ran_out_is_claimed_again_under_the_same_key(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    first = await claim_one(kit)
    assert await kit.outbox.claim(ALL, now=NOW + LEASE - 1) == []
    assert (await claim_one(kit, now=NOW + LEASE)).key == first.key


async def test_what_is_at_work_here_is_not_given_again_though_its_lease_ran_out(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    job = await claim_one(kit)
    assert await kit.outbox.claim(ALL, now=NOW + LEASE, busy=[job.id]) == []
    await kit.outbox.owe(job, DOWN, next_at=NOW, now=NOW)
    assert await kit.outbox.claim_owed(ALL, now=NOW, busy=[job.id]) == []
    assert len(await kit.outbox.claim_owed(ALL, now=NOW, busy=[job.id + 1])) == 1


async def test_a_renewed_lease_lives_on(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    job = await claim_one(kit)
    assert await kit.outbox.renew([job], now=NOW + 10_000) == {job.id}
    assert await kit.outbox.claim(ALL, now=NOW + LEASE) == []


async def test_whose_claim_is_no_longer_the_newest_can_neither_renew_nor_decide(kit: Kit) -> None:
    await kit.outbox.add([message("pager")], now=NOW)
    frozen = await claim_one(kit)
    newer = await claim_one(kit, now=NOW + LEASE)  # under the same name: a restart
    assert (newer.fence, newer.lease_until) == (frozen.fence + 1, NOW + 2 * LEASE)
    assert await kit.outbox.renew([frozen], now=NOW + LEASE) == set()
    await kit.outbox.owe(frozen, DOWN, next_at=NOW, now=NOW)
    await kit.outbox.fell_back(frozen, DOWN, stand_in(frozen), now=NOW)
    assert await outcomes(kit) == []
    assert await kit.outbox.renew([newer, frozen], now=NOW + LEASE) == {newer.id}
    await kit.outbox.owe(newer, DOWN, next_at=NOW, now=NOW)
    assert await outcomes(kit) == [("pager", "failed", "server_error")]


async def test_what_others_have_leased_can_be_left_alone(kit: Kit) -> None:
    await kit.outbox.add([message(), message(id="n2", group_key="g2")], now=NOW)
    await kit.outbox.claim({"slack": 1}, now=NOW)
    (new,) = await kit.outbox.claim(ALL, now=NOW + LEASE, take_over=False)
    assert new.order.id == "n2"
    assert len(await kit.outbox.claim(ALL, now=NOW + LEASE)) == 1


async def test_released_leases_can_be_claimed_at_once(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await claim_one(kit)
    assert await kit.outbox.release(now=NOW) == 1
    await claim_one(kit)


async def test_a_destination_gives_no_more_than_its_slots(kit: Kit) -> None:
    new = [message(id=f"n{i}", group_key=f"g{i}") for i in range(5)]
    await kit.outbox.add([*new, message("pager", id="p")], now=NOW)
    jobs = await kit.outbox.claim({"slack": 2}, now=NOW)
    assert [job.order.id for job in jobs] == ["n0", "n1"]
    assert [job.order.id for job in await kit.outbox.claim({"pagerduty": 9}, now=NOW)] == ["p"]


async def test_an_endpoint_that_is_gone_has_no_destination(kit: Kit) -> None:
    (lost,) = plan(BOOK, order("nobody"), "nobody", ("nobody",))
    await kit.outbox.add([lost], now=NOW)
    assert await kit.outbox.claim({"slack": 9}, now=NOW) == []
    (job,) = await kit.outbox.claim({"": 1}, now=NOW)
    assert job.receiver == "nobody"


async def test_a_groups_messages_to_one_place_go_one_after_the_other(kit: Kit) -> None:
    await kit.outbox.add([message(id="fire"), message(id="over", status="resolved")], now=NOW)
    first = await claim_one(kit)
    assert first.order.id == "fire"
    assert await kit.outbox.claim(ALL, now=NOW) == []
    await kit.outbox.delivered(first, ARRIVED, now=NOW)
    assert (await claim_one(kit)).order.id == "over"


async def test_what_was_delivered_is_reported_once(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    job = await claim_one(kit)
    assert await outcomes(kit) == []
    await kit.outbox.delivered(job, ARRIVED, now=NOW)
    assert await outcomes(kit) == [("slack", "delivered", "ok")]
    assert await outcomes(kit) == []
    assert await kit.outbox.claim(ALL, now=NOW + LEASE) == []


async def test_a_result_that_changed_while_it_was_told_is_told_again(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW, now=NOW)
    told = await kit.results.unpublished(9)
    (again,) = await kit.outbox.claim_owed(ALL, now=NOW)
    await kit.outbox.delivered(again, ARRIVED, now=NOW)
    await kit.results.published(told)
    assert await outcomes(kit) == [("slack", "delivered", "ok")]


async def test_what_is_owed_is_due_when_its_time_has_come(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW + 500, now=NOW)
    assert await kit.outbox.claim(ALL, now=NOW + LEASE) == []
    assert await kit.outbox.claim_owed(ALL, now=NOW + 499) == []
    (job,) = await kit.outbox.claim_owed(ALL, now=NOW + 500)
    assert (job.owed, job.rounds, job.attempts) == (True, 1, 3)
    assert await kit.outbox.claim_owed(ALL, now=NOW + 500) == []


async def test_an_owed_message_whose_process_died_stays_owed(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW, now=NOW)
    await kit.outbox.claim_owed(ALL, now=NOW)
    (job,) = await kit.outbox.claim(ALL, now=NOW + LEASE)
    assert job.owed


async def test_of_repeated_failures_only_the_first_and_the_last_are_news(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW, now=NOW)
    assert await outcomes(kit) == [("slack", "failed", "server_error")]
    (job,) = await kit.outbox.claim_owed(ALL, now=NOW)
    await kit.outbox.owe(job, OPEN, next_at=NOW, now=NOW)
    assert await outcomes(kit) == []
    (job,) = await kit.outbox.claim_owed(ALL, now=NOW)
    await kit.outbox.owe(job, REFUSED, next_at=None, now=NOW)
    assert await outcomes(kit) == [("slack", "failed", "client_error")]
    assert await kit.outbox.claim_owed(ALL, now=NOW + LEASE) == []


async def test_a_recovery_makes_what_is_owed_due_at_once(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW + 30_000, now=NOW)
    assert await kit.outbox.hurry("pagerduty", now=NOW) == 0
    assert await kit.outbox.hurry("slack", now=NOW) == 1
    assert len(await kit.outbox.claim_owed(ALL, now=NOW)) == 1


async def test_a_later_message_of_the_group_is_behind_what_is_owed(kit: Kit) -> None:
    await kit.outbox.add([message(id="fire")], now=NOW)
    await kit.outbox.owe(await claim_one(kit), DOWN, next_at=NOW + 30_000, now=NOW)
    await kit.outbox.add([message(id="over"), message(id="x", group_key="other")], now=NOW)
    over, other = await kit.outbox.claim(ALL, now=NOW)
    assert (over.order.id, over.behind) == ("over", True)
    assert (other.order.id, other.behind) == ("x", False)
    await kit.outbox.owe(over, OPEN, next_at=NOW, now=NOW)
    assert await kit.outbox.claim_owed(ALL, now=NOW) == []
    (fire,) = await kit.outbox.claim_owed(ALL, now=NOW + 30_000)
    assert fire.order.id == "fire"
    await kit.outbox.delivered(fire, ARRIVED, now=NOW)
    assert [job.order.id for job in await kit.outbox.claim_owed(ALL, now=NOW)] == ["over"]


async def fall_back(kit: Kit) -> tuple[Job, Job]:
    await kit.outbox.add([message("pager")], now=NOW)
    pager = await claim_one(kit)
    await kit.outbox.fell_back(pager, DOWN, stand_in(pager), now=NOW)
    return pager, await claim_one(kit)


async def test_a_fallback_is_sent_instead_and_nothing_is_owed(kit: Kit) -> None:
    pager, slack = await fall_back(kit)
    assert (slack.visited, slack.instead_of) == (("pager", "slack"), "pager")
    assert (pager.instead_of, slack.key) == ("", "n1:slack:slack[0]")
    await kit.outbox.delivered(slack, ARRIVED, now=NOW)
    assert await outcomes(kit) == [
        ("pager", "fell_back", "server_error"),
        ("slack", "delivered", "ok"),
    ]
    assert await kit.outbox.claim_owed(ALL, now=NOW + LEASE) == []


async def test_at_the_chains_end_everybody_is_owed(kit: Kit) -> None:
    _, slack = await fall_back(kit)
    await outcomes(kit)
    await kit.outbox.owe(slack, DOWN, next_at=NOW, now=NOW)
    assert sorted(await outcomes(kit)) == [
        ("pager", "failed", "server_error"),
        ("slack", "failed", "server_error"),
    ]
    jobs = await kit.outbox.claim_owed(ALL, now=NOW)
    assert [(job.receiver, job.owed) for job in jobs] == [("pager", True), ("slack", True)]


async def test_the_first_of_a_chain_that_gets_through_settles_the_others(kit: Kit) -> None:
    _, slack = await fall_back(kit)
    await kit.outbox.owe(slack, DOWN, next_at=NOW, now=NOW)
    await outcomes(kit)
    (again,) = await kit.outbox.claim_owed({"slack": 1}, now=NOW)
    await kit.outbox.delivered(again, ARRIVED, now=NOW)
    assert sorted(await outcomes(kit)) == [
        ("pager", "skipped", "told_elsewhere"),
        ("slack", "delivered", "ok"),
    ]
    assert await kit.outbox.claim_owed(ALL, now=NOW + LEASE) == []


async def test_the_original_that_gets_through_settles_its_stand_ins(kit: Kit) -> None:
    _, slack = await fall_back(kit)
    await kit.outbox.owe(slack, DOWN, next_at=NOW, now=NOW)
    (again,) = await kit.outbox.claim_owed({"pagerduty": 1}, now=NOW)
    await kit.outbox.delivered(again, ARRIVED, now=NOW)
    assert await kit.outbox.claim_owed(ALL, now=NOW + LEASE) == []


async def test_a_lost_lease_decides_nothing_but_a_delivery_counts(kit: Kit) -> None:
    await kit.outbox.add([message()], now=NOW)
    late = await claim_one(kit)
    await kit.outbox.delivered(await claim_one(kit, now=NOW + LEASE), ARRIVED, now=NOW)
    await kit.outbox.owe(late, DOWN, next_at=NOW, now=NOW)
    await kit.outbox.fell_back(late, DOWN, stand_in(late), now=NOW)
    await kit.outbox.delivered(late, ARRIVED, now=NOW)
    assert await kit.outbox.claim(ALL, now=NOW + LEASE) == []
    assert await kit.outbox.claim_owed(ALL, now=NOW + LEASE) == []


async def test_whoever_stood_in_for_a_page_is_known(kit: Kit) -> None:
    _, slack = await fall_back(kit)
    over = message("pager", id="over", status="resolved")
    await kit.outbox.add([over, message("pager", id="other", group_key="x")], now=NOW)
    resolved, foreign = await kit.outbox.claim(ALL, now=NOW)
    assert await kit.outbox.stand_ins(resolved) == ["slack"]
    assert await kit.outbox.stand_ins(foreign) == []
    await kit.outbox.delivered(slack, ARRIVED, now=NOW)
    assert await kit.outbox.stand_ins(resolved) == ["slack"]


@pytest.mark.docker
async def test_two_processes_never_claim_the_same_message(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        mine, yours = postgres(database, "me"), postgres(database, "you")
        await mine.add([message(id=f"n{i}", group_key=f"g{i}") for i in range(20)], now=NOW)
        first = await mine.claim({"slack": 12}, now=NOW)
        second = await yours.claim({"slack": 12}, now=NOW)
        assert len({job.id for job in (*first, *second)}) == 20
        assert await yours.release(now=NOW) == 8


@pytest.mark.docker
async def test_an_order_that_postgres_never_takes_is_poison(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        alert = msgspec.structs.replace(order().alerts[0], reason="\0")
        garbled = msgspec.structs.replace(order(), alerts=[alert])
        endless = order(group_key=secrets.token_hex(50_000))
        new = message()
        for bad in (garbled, endless):
            with pytest.raises(PoisonError):
                await postgres(database).add(
                    [NewDelivery(new.key, bad, new.endpoint, new.visited)], now=NOW
                )


@pytest.mark.docker
async def test_an_answer_full_of_rubbish_can_be_stored(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        outbox = postgres(database)
        await outbox.add([message()], now=NOW)
        (job,) = await outbox.claim(ALL, now=NOW)
        rubbish = Attempt(Reason.SERVER_ERROR, 1, "answered 500: \0 \ud800 \x1b[31m")
        await outbox.owe(job, rubbish, next_at=NOW, now=NOW)
        (row,) = await PostgresLedger(database).failed({}, before=None, limit=9)
        assert row["error"] == "server_error: answered 500:      [31m"


@pytest.mark.docker
async def test_people_can_list_and_retry_what_failed(database_url: str) -> None:
    async with open_database(database_url, name="test") as database:
        outbox, ledger = postgres(database), PostgresLedger(database)
        kit = Kit(outbox, ledger)
        await outbox.add([message(id="a"), message(id="b", group_key="b")], now=NOW)
        dead, fine = await outbox.claim(ALL, now=NOW)
        await outbox.owe(dead, REFUSED, next_at=None, now=NOW)
        await outbox.delivered(fine, ARRIVED, now=NOW)
        assert await ledger.owed() == (0, 1)
        (row,) = await ledger.failed({"status": "DEAD", "channel": "slack"}, before=None, limit=9)
        assert (row["id"], row["error"]) == (dead.id, "client_error: answered 404")
        rows = await ledger.attempts({"alert": dead.order.alerts[0].id}, before=None, limit=9)
        assert [row["status"] for row in rows] == ["DELIVERED", "FAILED"]
        assert await ledger.attempts({"receiver": "nobody"}, before=None, limit=9) == []
        assert await ledger.attempts({}, before=dead.id, limit=9) == []
        assert await ledger.retry(999, now=NOW) is None
        assert await ledger.retry(fine.id, now=NOW) == "DELIVERED"
        assert await ledger.retry(dead.id, now=NOW) == "DEAD"
        (job,) = await outbox.claim_owed(ALL, now=NOW)
        await outbox.owe(job, DOWN, next_at=NOW + 9_000, now=NOW)
        assert await ledger.retry_failed({"channel": "email"}, now=NOW) == 0
        assert await ledger.retry_failed({}, now=NOW) == 1
        assert len(await outbox.claim_owed(ALL, now=NOW)) == 1
        assert await outcomes(kit) != []
        assert await ledger.prune(before=NOW, limit=9) == 0
        assert await ledger.prune(before=NOW + 1, limit=9) == 1
