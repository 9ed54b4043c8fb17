"""A channel that fails costs no alert: fallback, breaker, and the table of what is owed."""

from typing import Any

from blackbox.events import errors, moment
from blackbox.fixtures import Connection, Naming
from blackbox.flow import deliveries
from blackbox.rest import Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import eventually

RECOVERY_S = 150.0
OWED = "SELECT * FROM failed_notifications WHERE status = 'PENDING' AND payload::text LIKE %s"


async def owed(database: Connection, service: str) -> list[dict[str, Any]]:
    """Return what operators see of the service when they ask what is owed."""
    cursor = await database.execute(OWED, [f"%{service}%"])
    return await cursor.fetchall()


async def test_what_a_dead_channel_is_owed_is_kept_and_delivered_when_it_is_back(
    stack: Stack, sink: SinkClient, database: Connection, name: Naming
) -> None:
    service = name("owed")
    await sink.fail("slack", "status", status=503)
    await stack.accept(errors(service, at=moment()))
    (row, *_) = await eventually(
        lambda: owed(database, service), what="a PENDING row", within=RECOVERY_S
    )
    assert row["channel"] == "slack"
    assert row["error"]
    await sink.heal()
    (received,) = await deliveries(sink, service, "slack", within=RECOVERY_S)
    assert received["idempotencyKey"]

    async def settled() -> bool:
        return await owed(database, service) == []

    await eventually(settled, what="nothing is PENDING any more", within=RECOVERY_S)


async def test_when_pagerduty_is_down_the_mail_takes_over(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    service = name("fallback")
    await sink.fail("pagerduty", "status", status=503)
    await stack.accept(errors(service, at=moment()))
    mails = await deliveries(sink, service, "email", within=RECOVERY_S)
    assert len(mails) == 1
    assert await sink.received(service, channel="pagerduty", delivered=True) == []


async def test_when_the_mail_is_down_too_slack_takes_over(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    service = name("chain")
    await sink.fail("pagerduty", "status", status=503)
    await sink.fail("email", "status", status=451)
    await stack.accept(errors(service, at=moment()))

    async def twice() -> bool:
        return len(await sink.received(service, channel="slack", delivered=True)) == 2

    await eventually(
        twice, what="Slack hears it itself and in PagerDuty's stead", within=RECOVERY_S
    )


async def test_a_breaker_opens_on_failures_and_closes_by_itself(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    async def states() -> dict[str, str]:
        document = await stack.notifier.get("/actuator/circuitbreakers")
        return {name: one["state"] for name, one in document["circuitBreakers"].items()}

    def slack_is(*wanted: str) -> Any:  # noqa: ANN401 - a predicate
        return lambda found: any(
            state in wanted for name, state in found.items() if name.startswith("slack")
        )

    await eventually(states, slack_is("CLOSED"), what="it is closed at first", within=RECOVERY_S)
    await sink.fail("slack", "status", status=503)
    for number in range(8):
        await stack.accept(errors(name(f"breaker{number}"), at=moment()))
    await eventually(states, slack_is("OPEN", "HALF_OPEN"), what="it opens", within=RECOVERY_S)
    document = await stack.notifier.get("/actuator/circuitbreakers")
    (breaker, *_) = [
        one for name, one in document["circuitBreakers"].items() if name.startswith("slack")
    ]
    assert {
        "state", "failureRate", "failedCalls", "bufferedCalls", "notPermittedCalls", "openedAt",
    } <= breaker.keys()  # fmt: skip
    await sink.heal()
    await eventually(states, slack_is("CLOSED"), what="it closes again", within=RECOVERY_S)


async def test_a_rate_limit_is_obeyed(stack: Stack, sink: SinkClient, name: Naming) -> None:
    service = name("limited")
    await sink.fail("slack", "rate_limit", retryAfter=2, count=1, holding=service)
    await stack.accept(errors(service, at=moment()))
    (delivered,) = await deliveries(sink, service, "slack")
    (refused,) = await sink.received(service, channel="slack", delivered=False)
    assert delivered["receivedAtMs"] - refused["receivedAtMs"] >= 2_000
    assert delivered["idempotencyKey"] == refused["idempotencyKey"]


async def test_an_answer_that_is_lost_repeats_under_the_same_key(
    stack: Stack, sink: SinkClient, name: Naming
) -> None:
    service = name("lost")
    await sink.fail("slack", "reset", count=1, holding=service, deliver=True)
    await stack.accept(errors(service, at=moment()))

    async def repeated() -> list[str]:
        found = await sink.received(service, channel="slack", delivered=True)
        return [one["idempotencyKey"] for one in found]

    keys = await eventually(repeated, lambda keys: len(keys) == 2, what="it is sent again")
    assert keys[0] == keys[1]


async def test_garbage_is_no_success(stack: Stack, sink: SinkClient, name: Naming) -> None:
    service = name("garbage")
    await sink.fail("slack", "garbage", count=1, holding=service)
    await stack.accept(errors(service, at=moment()))
    assert len(await deliveries(sink, service, "slack", within=RECOVERY_S)) == 1
