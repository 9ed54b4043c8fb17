"""One load test from the first look at the counters to the report."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

from confluent_kafka import KafkaException

from loadtest import processes, scrape
from loadtest.broker import Broker, InKafka, Offsets
from loadtest.options import Options
from loadtest.outcome import Outcome, OutcomeReader
from loadtest.report import Report
from loadtest.sender import Sender, Tally
from loadtest.stats import percentiles
from loadtest.watch import Watch
from loadtest.workload import make_pool

FIRED = "tocsin_engine_alerts_total"
SENT = "notifications_sent_total"
ALERT_WAIT_S = 15.0
"""At least; a run that gives the stages longer to catch up gives it to deliveries, too."""
AWAY_PAUSE_S = 0.5


class UnreachableError(Exception):
    """A part of the stack that the test needs does not answer; the text says which and where."""


class Counters(NamedTuple):
    """The services' own counts at one moment."""

    fired: int
    delivered: int
    failed: int


class Found(NamedTuple):
    """What the stages say, once the load is through."""

    watch: Watch
    kafka: InKafka | None
    outcome: Outcome
    change: Counters
    cpu_seconds: dict[str, float]
    problems: tuple[str, ...]


async def run(options: Options, *, say: Callable[[str], None]) -> Report:
    """Send the load, wait for every stage, and return what was measured.

    Raises:
        UnreachableError: the gateway, the engine, the notifier or Kafka does not answer.
    """
    pool = make_pool(seed=options.seed, services=options.services, prefix=f"{options.run}-")
    sender = Sender(options, pool)
    watch = Watch(options.engine, sender.tally, say=say)
    try:
        with (
            closing(Broker(options.kafka)) as broker,
            closing(OutcomeReader(options.kafka, run=options.run)) as reader,
        ):
            before = await _counters(options)
            await watch.start()
            start = await asyncio.to_thread(broker.end_offsets)
            used = processes.usage(options.state)
            await _drive(sender, watch, settle=options.settle, say=say)
            cpu = processes.cpu_seconds(used, processes.usage(options.state))
            problems: list[str] = []
            kafka = await _in_kafka(broker, start, options, problems)
            if kafka is not None:
                await watch.settle(kafka.events - kafka.repeated_events, seconds=options.settle)
            outcome = await asyncio.to_thread(
                reader.drain,
                seconds=max(ALERT_WAIT_S, options.settle),
                only_alerts=options.only_alerts,
            )
            after = await _counters(options)
    except KafkaException as exc:
        message = f"Kafka at {options.kafka} does not answer: {exc.args[0]}"
        raise UnreachableError(message) from exc
    except OSError as exc:
        message = f"a part of the stack does not answer: {exc}"
        raise UnreachableError(message) from exc
    change = Counters(*(now - then for now, then in zip(after, before, strict=True)))
    found = Found(watch, kafka, outcome, change, cpu, tuple(problems))
    return _report(options, sender.tally, found)


async def _drive(
    sender: Sender, watch: Watch, *, settle: float, say: Callable[[str], None]
) -> None:
    """Send everything and let the engine catch up."""
    watching = asyncio.create_task(watch.run())
    try:
        await sender.run()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    say("All sent; waiting for the engine ...")
    await watch.settle(sender.tally.accepted, seconds=settle)


async def _in_kafka(
    broker: Broker, start: Offsets, options: Options, problems: list[str]
) -> InKafka | None:
    """Count what is in Kafka; a broker that is away may come back while there is time to settle."""
    deadline = time.monotonic() + options.settle
    while True:
        try:
            end = await asyncio.to_thread(broker.end_offsets)
            return await asyncio.to_thread(broker.count, start, end, run=options.run)
        except KafkaException as exc:
            if time.monotonic() >= deadline:
                problems.append(f"log-events could not be read: {exc.args[0]}")
                return None
            await asyncio.sleep(AWAY_PAUSE_S)


async def _counters(options: Options) -> Counters:
    engine = await scrape.metrics(options.engine)
    notifications = [] if options.only_alerts else await scrape.metrics(options.notifications)
    return Counters(
        fired=int(scrape.total(engine, FIRED, status="firing")),
        delivered=int(scrape.total(notifications, SENT, status="success")),
        failed=int(scrape.total(notifications, SENT, status="failure")),
    )


def _report(options: Options, tally: Tally, found: Found) -> Report:
    watch, outcome = found.watch, found.outcome
    return Report(
        run=options.run,
        settings=_settings(options),
        elapsed_s=tally.last_answer - tally.first_sent,
        counted_after_s=watch.last_counted and watch.last_counted - tally.first_sent,
        sent=tally.sent,
        accepted=tally.accepted,
        rejected=tally.rejected,
        refused=dict(tally.refused),
        unanswered=tally.unanswered,
        kafka=found.kafka,
        counted=watch.counted,
        alerts_fired=found.change.fired,
        alerts_of_run=len(outcome.accepted),
        alerts_of_run_delivered=None
        if options.only_alerts
        else len(outcome.accepted) - outcome.undelivered(),
        deliveries=found.change.delivered,
        deliveries_failed=found.change.failed,
        accept=percentiles(tally.latencies_ms),
        engine_lag=percentiles(watch.lags_ms),
        lag_growth=watch.lag_growth(),
        alert_decided=percentiles(outcome.decided_ms(judged=False)),
        alert_written=percentiles(outcome.written_ms()),
        alert_delivered=percentiles(outcome.delivered_ms(judged=False)),
        alert_judged=percentiles(outcome.decided_ms(judged=True)),
        cpu_us_per_event={
            name: round(seconds * 1e6 / max(1, tally.accepted), 3)
            for name, seconds in found.cpu_seconds.items()
            if seconds
        },
        problems=found.problems,
    )


def _settings(options: Options) -> dict[str, object]:
    return {
        "rate": options.rate,
        "duration": options.duration,
        "batchSize": options.batch_size,
        "services": options.services,
        "connections": options.connections,
        "format": "ndjson" if options.ndjson else "json",
        "seed": options.seed,
        "markers": options.markers,
        "retry": options.retry,
        "until": "alerts" if options.only_alerts else "delivery",
    }
