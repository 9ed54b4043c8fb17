"""Both roles as processes on a real broker: alerts come, once, whatever dies in between."""

import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from alert_contracts.alerts import Alert, decode_alert
from alert_contracts.events import Event, encode_batch
from alert_contracts.rule_status import decode_status
from alert_contracts.rules import Rule, RuleType, encode_rule, rule_key
from alert_contracts.topics import STATE_PARTITIONS, Header, Topic
from alert_rule_engine.testing import a_rule, tumbling
from service_runtime.testing import Backing

pytestmark = pytest.mark.docker
PATIENCE = 60.0
SPEAKERS = [("evaluate", ""), *(("aggregate", str(at)) for at in range(STATE_PARTITIONS))]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Stack:
    """Two workers, a producer and a reader of alerts. `tag` keeps runs apart."""

    def __init__(self, kafka: str, directory: Path) -> None:
        self.kafka = kafka
        self.tag = f"t{uuid.uuid4().hex[:8]}"
        self._directory = directory
        self._producer = Producer(
            {"bootstrap.servers": kafka, "partitioner": "murmur2_random", "linger.ms": 2}
        )
        self._consumer = Consumer({"bootstrap.servers": kafka, "group.id": self.tag})
        self._consumer.assign([self._end(Topic.ALERTS, number) for number in range(6)])
        self._statuses = Consumer({"bootstrap.servers": kafka, "group.id": self.tag})
        self._statuses.assign([self._end(Topic.RULE_STATUS, 0)])
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self.alerts: list[Alert] = []

    def _end(self, topic: Topic, number: int) -> TopicPartition:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                place = TopicPartition(topic, number)
                place.offset = self._consumer.get_watermark_offsets(place, timeout=10)[1]
            except KafkaException:  # a topic that is new has no leader yet
                assert time.monotonic() < deadline
                self._consumer.poll(0.1)
            else:
                return place

    def start(self, role: str) -> None:
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "ALERT_RULE_ENGINE_PORT": "0",
            "ALERT_RULE_ENGINE_EVALUATE_PORT": "0",
            "ALERT_RULE_ENGINE_INSTANCE_ID": self.tag,
        }
        command = [sys.executable, "-m", "alert_rule_engine", role]
        with (self._directory / f"{role}.log").open("ab") as log:
            self._workers[role] = subprocess.Popen(  # noqa: S603 - our own program
                command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self, role: str) -> None:
        self._workers[role].kill()
        self._workers[role].wait()

    def stop(self) -> list[int]:
        for worker in self._workers.values():
            worker.terminate()
        return [worker.wait(timeout=30) for worker in self._workers.values()]

    def port(self, role: str) -> int:
        """Return where the last one that was started answers."""
        for line in reversed((self._directory / f"{role}.log").read_bytes().splitlines()):
            found = msgspec.json.decode(line)
            if found.get("event") == "worker_started":
                return int(found["port"])
        message = f"{role} has not said its port"
        raise LookupError(message)

    def publish(self, *rules: Rule) -> None:
        for rule in rules:
            key = rule_key(tenant=rule.tenant, rule_id=rule.id)
            self._producer.produce(Topic.ALERT_RULES, encode_rule(rule), key=key)
        assert self._producer.flush(10) == 0

    def retire(self, *rules: Rule) -> None:
        for rule in rules:
            key = rule_key(tenant=rule.tenant, rule_id=rule.id)
            self._producer.produce(Topic.ALERT_RULES, None, key=key)
        assert self._producer.flush(10) == 0

    def post(self, *events: Event, value: bytes | None = None) -> None:
        headers = {Header.ACCEPTED_AT: str(now_ms()), Header.TENANT: "default"}
        self._producer.produce(
            Topic.LOG_EVENTS,
            encode_batch(events) if value is None else value,
            key=uuid.uuid4().hex.encode(),
            headers=[(str(name), text.encode()) for name, text in headers.items()],
        )
        assert self._producer.flush(10) == 0

    def listen(self, until: Callable[[list[Alert]], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until(self.alerts):
            assert time.monotonic() < deadline, f"{what}: {self.alerts}"
            message = self._consumer.poll(0.2)
            if message is not None and message.error() is None:
                alert = decode_alert(message.value() or b"")
                if alert.rule.id.startswith(self.tag):
                    self.alerts.append(alert)

    def until_live(self, *rules: Rule) -> None:
        """Wait until stage one, and each partition of stage two, say that they go by the rules."""
        deadline = time.monotonic() + PATIENCE
        due = {(*who, rule.id) for who in SPEAKERS for rule in rules}
        while due:
            assert time.monotonic() < deadline, f"the rules are live: {due}"
            message = self._statuses.poll(0.2)
            if message is None or message.error() is not None:
                continue
            with suppress(msgspec.DecodeError):  # other tests leave their own there
                told = decode_status(message.value() or b"")
                share = told.share if told.stage == "aggregate" else ""
                due.discard((told.stage, share, told.rule_id))

    def rule(self, kind: RuleType, **changes: object) -> Rule:
        name = f"{self.tag}-{kind.lower()}"
        match = f'service.startsWith("{self.tag}")'
        return msgspec.structs.replace(a_rule(kind), id=name, name=name, match=match, **changes)


@contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    stack.start("evaluate")
    stack.start("aggregate")
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def stack(backing: Backing, tmp_path: Path) -> Iterator[Stack]:
    provision = [sys.executable, "-m", "service_runtime.provision"]
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": backing.kafka}
    subprocess.run(provision, env=environment, check=True, timeout=90)  # noqa: S603 - our program
    with running(Stack(backing.kafka, tmp_path)) as found:
        yield found


def statuses(alerts: list[Alert]) -> Counter[str]:
    return Counter(alert.status for alert in alerts)


def test_alerts_are_exact_though_both_roles_are_killed_on_the_way(stack: Stack) -> None:
    count = stack.rule(RuleType.EVENT_COUNT, threshold=100)
    slow = stack.rule(RuleType.LATENCY, threshold=1_000)
    stack.publish(count, slow)
    stack.until_live(count, slow)
    service = f"{stack.tag}-pay"
    event = Event(now_ms(), service, "boom", "ERROR", response_time=2_000.0)
    for number in range(12):
        if number in {4, 8}:
            role = "aggregate" if number == 4 else "evaluate"
            stack.kill(role)
            stack.start(role)
        stack.post(*[event] * 10)
    stack.post(value=b"poison")
    stack.listen(lambda alerts: statuses(alerts)["firing"] >= 2, "both fire")
    fired = {alert.rule.id: alert for alert in stack.alerts}
    assert fired[count.id].aggregates["count"] == 110
    assert fired[slow.id].reason == "p95 2000 > threshold 1000"
    stack.listen(
        lambda alerts: any(a.aggregates["count"] == 120 for a in alerts if a.rule.id == count.id),
        "the last counts are told",
    )
    stack.retire(count, slow)
    stack.listen(lambda alerts: statuses(alerts)["resolved"] == 2, "both are over")
    by_id: dict[str, set[int]] = {}
    for alert in stack.alerts:
        by_id.setdefault(alert.id, set()).add(alert.sequence)
    assert len(by_id) == 2
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port('aggregate')}/metrics") as answer:
        assert b"tocsin_engine_partial_gaps_total 0.0" in answer.read()
    assert stack.stop() == [0, 0]


def test_a_rule_is_live_without_a_restart_and_its_alerts_end_with_it(stack: Stack) -> None:
    stack.listen(lambda _alerts: ready(stack), "both are ready")
    rule = stack.rule(RuleType.EVENT_COUNT, threshold=0, window=tumbling(10_000))
    stack.publish(rule)
    stack.until_live(rule)
    stack.post(Event(now_ms(), f"{stack.tag}-a", "boom"))
    stack.listen(lambda alerts: statuses(alerts)["firing"] == 1, "it fires")
    stack.publish(msgspec.structs.replace(rule, revision=2, enabled=False))
    stack.listen(lambda alerts: statuses(alerts)["resolved"] == 1, "it is over")
    assert stack.alerts[-1].reason == "the rule was disabled"
    stack.retire(rule)


def ready(stack: Stack) -> bool:
    try:
        for role in ("evaluate", "aggregate"):
            url = f"http://127.0.0.1:{stack.port(role)}/health/ready"
            with urllib.request.urlopen(url, timeout=2):
                pass
    except (OSError, LookupError):
        return False
    return True
