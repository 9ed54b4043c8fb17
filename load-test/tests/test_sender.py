"""The sender keeps its schedule and its books, whatever the gateway answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from loadtest.blackhole import swallow
from loadtest.options import Options, parse
from loadtest.sender import Sender, Ticket, tickets
from loadtest.watch import lag_ms
from loadtest.workload import make_pool

POOL = make_pool(seed=1, services=5, size=500)
OK = b'HTTP/1.1 202 Accepted\r\nContent-Length: 28\r\n\r\n{"accepted":9,"rejected": 1}'
AWAY = b"HTTP/1.1 503 Away\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
Answers = Callable[[int], bytes | None]


def options(*arguments: str, gateway: str = "http://127.0.0.1:1") -> Options:
    return parse(["--gateway", gateway, "--markers", "0", *arguments])


def schedule(*arguments: str) -> list[Ticket]:
    return list(tickets(options(*arguments), began=100.0, clock=lambda: 0.0))


@asynccontextmanager
async def gateway(answers: Answers) -> AsyncIterator[str]:
    """Serve requests; the n-th one gets `answers(n)`, or a closed connection for None."""
    served = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while head := await reader.readline():
            length = 0
            while (head := await reader.readline()) not in (b"\r\n", b""):
                if head.lower().startswith(b"content-length:"):
                    length = int(head.split(b":")[1])
            await reader.readexactly(length)
            answer, served = answers(served), served + 1
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]  # noqa: UP031


def test_the_requests_of_a_rate_add_up_to_rate_times_duration() -> None:
    made = schedule("--rate", "1000", "--duration", "1.05", "--batch-size", "100")
    assert [ticket.events for ticket in made] == [100] * 10 + [50]
    assert [ticket.number for ticket in made] == list(range(11))


def test_a_request_is_due_when_its_first_event_is() -> None:
    made = schedule("--rate", "200", "--duration", "2", "--batch-size", "100")
    assert [ticket.due for ticket in made] == [100.0, 100.5, 101.0, 101.5]


def test_markers_are_within_the_rate_and_spread_over_the_time() -> None:
    made = schedule("--rate", "1000", "--duration", "60", "--markers", "4")
    assert sum(ticket.events for ticket in made) == 60_000
    marked = [
        (ticket.marker, round(ticket.due - 100, 1)) for ticket in made if ticket.events == 101
    ]
    assert marked == [(0, 7.5), (1, 22.5), (2, 37.5), (3, 52.5)]


def test_markers_are_never_more_than_a_tenth_of_the_load() -> None:
    made = schedule("--rate", "100", "--duration", "20", "--markers", "10")
    assert sum(ticket.marker is not None for ticket in made) == 1


async def test_what_is_accepted_and_rejected_is_counted() -> None:
    async with gateway(lambda _: OK) as url:
        sender = Sender(options("--rate", "1000", "--duration", "0.1", "--batch-size", "10",
                                gateway=url), POOL)  # fmt: skip
        await sender.run()
    tally = sender.tally
    assert (tally.sent, tally.accepted, tally.rejected) == (100, 90, 10)
    assert len(tally.latencies_ms) == 10


async def test_a_refusal_and_a_lost_connection_are_kept_apart() -> None:
    answers: dict[int, bytes | None] = {0: AWAY, 1: None}
    async with gateway(lambda n: answers.get(n, OK)) as url:
        sender = Sender(options("--rate", "500", "--duration", "0.1", "--batch-size", "10",
                                "--connections", "1", gateway=url), POOL)  # fmt: skip
        await sender.run()
    assert sender.tally.refused == {"503": 10}
    assert (sender.tally.unanswered, sender.tally.accepted) == (10, 27)


async def test_with_retry_everything_gets_through_in_the_end() -> None:
    answers: dict[int, bytes | None] = {0: AWAY, 1: None, 3: None}
    async with gateway(lambda n: answers.get(n, OK)) as url:
        sender = Sender(options("--rate", "500", "--duration", "0.1", "--batch-size", "10",
                                "--connections", "1", "--retry", gateway=url), POOL)  # fmt: skip
        await sender.run()
    assert (sender.tally.accepted, sender.tally.unanswered) == (45, 0)
    assert not sender.tally.refused


async def test_without_a_gateway_the_run_does_not_begin() -> None:
    with pytest.raises(OSError, match="Connect"):
        await Sender(options(), POOL).run()


async def test_without_a_rate_the_clock_ends_the_run() -> None:
    answer = b'HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{"accepted":100}'

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await swallow(reader, writer, answer=answer)

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sender = Sender(options("--rate", "0", "--duration", "0.2", gateway=url), POOL)
        await sender.run()
    assert sender.tally.accepted == sender.tally.sent > 1_000


def test_the_lag_is_the_age_of_the_youngest_counted_event() -> None:
    accepted = [(10.0, 100), (11.0, 200), (12.0, 300)]
    assert lag_ms(accepted, counted=100, now=10.5) == 500.0
    assert lag_ms(accepted, counted=150, now=12.5) == 1500.0
    assert lag_ms(accepted, counted=0, now=12.5) is None
    assert lag_ms(accepted, counted=300, now=12.5) is None
