"""The laboratory: broker and workers once, and for each test a tenant, its load and its verdict."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from faults.lab.broker import Broker
from faults.lab.driver import Driver
from faults.lab.lag import LagWatch
from faults.lab.post import now_ms
from faults.lab.rulebook import ABSENCE, rules, silences
from faults.lab.topics import Alerts, Rules, until
from faults.lab.workers import Role, Worker
from faults.lab.workload import Workload
from oracle.journal import Batch, entries, read
from oracle.presence import presence
from oracle.strain import Strain, strain
from oracle.told import gather
from oracle.verdict import Verdict, compare, counted
from oracle.watch import read_rule
from oracle.windows import tally

from alert_contracts.rules import Rule, encode_rule

SETTLE_S: Final = 120.0
FALLS_S: Final = 15.0
PATIENCE_S: Final = 90.0
LIVE_S: Final = 45.0
IDLE_S: Final = 2.0
SILENCE_S: Final = 31.0
"""So long after the last event it is judged that there are none."""
MEMORY_KIB: Final = 300 * 1024
SETTINGS: Final[Mapping[str, str]] = {"ALERT_RULE_ENGINE_IDLE_AFTER": f"PT{IDLE_S:g}S"}
MAX_WORKERS: Final = 3


class Bench:
    """A broker, and workers of both roles; as many run as `scale` has asked for."""

    def __init__(self, directory: Path, *, port: int) -> None:
        self.directory = directory
        self.broker = Broker(directory / "stack", port=port)
        self.broker.start()
        self.broker.provision()
        self._port = port
        self._workers: dict[Role, list[Worker]] = {"evaluate": [], "aggregate": []}
        for role in self._workers:
            self._workers[role] = [self._worker(role, number) for number in range(MAX_WORKERS)]
        self._running: dict[Role, list[Worker]] = {"evaluate": [], "aggregate": []}
        self.rules = Rules(self.broker.address)
        self.lag: LagWatch | None = None

    def _worker(self, role: Role, number: int) -> Worker:
        offset = 2 + 2 * number + (role == "aggregate")
        return Worker(
            role,
            f"{role}-{number}",
            port=self._port + offset,
            environment={"KAFKA_BOOTSTRAP_SERVERS": self.broker.address, **SETTINGS},
            log=self.directory / f"{role}-{number}.log",
        )

    def running(self, role: Role) -> list[Worker]:
        return list(self._running[role])

    def scale(self, role: Role, wanted: int) -> None:
        """Let so many workers of a role run, and wait until they do."""
        running = self._running[role]
        while len(running) > wanted:
            running.pop().stop()
        while len(running) < wanted:
            worker = self._workers[role][len(running)]
            worker.start()
            running.append(worker)
        for worker in running:
            worker.await_ready()

    def calm(self) -> None:
        """Return to one worker of each role, ready, with nothing left to do."""
        self.scale("evaluate", 1)
        self.scale("aggregate", 1)

    def await_rules(self, number: int) -> None:
        """Wait until every worker knows so many rules."""
        workers = [worker for running in self._running.values() for worker in running]
        until(
            lambda: all(worker.metric("tocsin_engine_rules") == number for worker in workers),
            what=f"{number} rules are live",
            within=LIVE_S,
        )

    def counted(self) -> float:
        """Return how many events the state says were counted; -1 if not all of it answers."""
        values = [
            worker.metric("tocsin_engine_counted_events_total")
            for worker in self.running("aggregate")
        ]
        return sum(value for value in values if value is not None) if None not in values else -1

    def fat(self) -> list[str]:
        """I6: say which workers have taken more memory than they may."""
        workers = [worker for every in self._workers.values() for worker in every]
        return [
            f"{worker.name} took {worker.peak_kib // 1024} MiB"
            for worker in workers
            if worker.peak_kib > MEMORY_KIB
        ]

    def close(self) -> None:
        for role in self._running:
            for worker in self._running[role]:
                worker.stop()
        self.broker.close()


class Trial:
    """One tenant under load, from its rules to the verdict."""

    def __init__(self, bench: Bench, name: str, *, seed: int, rate: int) -> None:
        self.bench = bench
        self.tenant = f"{name}-{seed}-{os.getpid()}"
        self.workload = Workload(self.tenant, seed)
        self.silences = silences(self.tenant)
        self.rules: list[Rule] = [*rules(self.tenant), *self.silences]
        self._watches = [read_rule(json.loads(encode_rule(rule))) for rule in self.rules]
        self.journal = bench.directory / f"{self.tenant}.ndjson"
        self.alerts = Alerts(bench.broker.address)
        self.lag = LagWatch(bench.broker.address)
        self.driver = Driver(
            bench.broker.address, self.workload, self.journal, rate=rate, seed=seed
        )
        self.slow: list[str] = []
        """Faults that were overcome too late."""
        self._before = bench.counted()
        self._live = 0

    def start(self) -> None:
        self.bench.rules.publish(*self.rules)
        self.bench.await_rules(len(self.rules))
        self._live = now_ms()
        self.driver.start()

    def steady(self, seconds: float) -> None:
        """Let the load run undisturbed for a while."""
        time.sleep(max(0, seconds))

    def overcome(self, fault: str, since: float) -> None:
        """Wait until what waited after a fault is done; note how long it took to begin with it."""

        def what() -> str:
            return f"the lag falls after: {fault}; committed and end: {self.lag.behind()}"

        until(lambda: self.lag.fallen(since) is not None, what=what, within=PATIENCE_S)
        moved, done = self.lag.falling(since) or 0.0, self.lag.fallen(since)
        within = FALLS_S * crowding()
        say(f"{fault}: the lag fell again after {moved:.1f} s, all was done after {done:.1f} s")
        if moved > within:
            self.slow.append(f"{fault}: the lag fell only after {moved:.1f} s, not {within:.0f}")

    def settle(self) -> Verdict:
        """End the load, wait until all is judged, and compare with the oracle.

        Once the load ends every service is absent, until the rules about that go.
        """
        self.driver.rest()
        accepted = self.driver.events

        def all_counted() -> bool:
            return self.bench.counted() - self._before >= accepted

        began = time.monotonic()
        _patiently(all_counted, SETTLE_S)
        self.steady(began + SILENCE_S - time.monotonic())
        _patiently(self._all_missed, SETTLE_S)
        self.steady(IDLE_S)
        self.driver.finish()
        self.bench.rules.delete(*self.silences)
        _patiently(self._all_over, SETTLE_S)
        verdict = self._verdict()
        said = self.bench.counted() - self._before
        verdict.differences += counted(accepted, said)
        verdict.differences += [*self.lag.regressions, *self.slow, *self.bench.fat()]
        say(f"{self.tenant}: {accepted} events in all; {verdict}")
        say(f"settled {time.monotonic() - began:.1f} s after the last event")
        return verdict

    def _all_missed(self) -> bool:
        """Tell whether every service that never paused is said to be absent."""
        told = gather(self.alerts.of(self.tenant))
        missed = {each.group for each in told if each.rule == ABSENCE and not each.over}
        return missed >= {(service,) for service in self.workload.services}

    def _all_over(self) -> bool:
        told = gather(self.alerts.of(self.tenant))
        quiet = self.alerts.silence() >= IDLE_S
        return quiet and bool(told) and all(each.over for each in told)

    def _verdict(self) -> Verdict:
        sizes: list[int] = []

        def batches() -> Iterator[Batch]:
            for batch in read(self.journal):
                sizes.append(len(batch.events))
                yield batch

        windows = tally(batches(), self._watches)
        assert sum(sizes) == self.driver.events
        seen = presence(entries(self.journal), live=self._live)
        say(f"nothing was accepted for {[over - begin for begin, over in seen.gaps]} ms")
        return compare(windows, self._watches, gather(self.alerts.of(self.tenant)), seen)

    def strain(self) -> Mapping[str, Strain]:
        """Return what each rule had to bear of repeats and disorder."""
        return strain(entries(self.journal), self._watches)

    def close(self) -> None:
        self.bench.rules.delete(*self.rules)
        self.alerts.close()
        self.lag.close()
        self.journal.unlink(missing_ok=True)


def crowding() -> float:
    """Return by how much a crowded machine may be slower: 1 up to two busy programs a core."""
    return max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1)))


def say(line: str) -> None:
    """Tell whoever watches a long test how it goes."""
    print(line, flush=True)  # noqa: T201 - that is its purpose


def _patiently(question: Callable[[], bool], within: float) -> bool:
    """Wait for a yes; without one the verdict will say what is missing."""
    try:
        until(question, what="", within=within)
    except AssertionError:
        return False
    return True


@contextmanager
def trial(bench: Bench, name: str, *, seed: int, rate: int) -> Iterator[Trial]:
    """Run a test's load; the driver is ended whatever happens."""
    bench.calm()
    bench.await_rules(0)
    running = Trial(bench, name, seed=seed, rate=rate)
    try:
        yield running
    finally:
        running.close()
