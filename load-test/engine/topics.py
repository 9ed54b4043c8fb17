"""Topics made anew for each run, filled, and read for alerts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from alert_contracts.rules import Rule, encode_rule, rule_key
from alert_contracts.topics import MAX_RECORD_BYTES, TOPICS, Topic
from engine.oracle import Fired
from engine.workload import Record, Workload

ALERT_PARTITIONS = 6
PARTITIONS = {spec.name: spec.partitions for spec in TOPICS}
PEER_ALERTS = "peer-alerts"
GONE_SECONDS = 30.0


class IncompleteError(Exception):
    """What was written is not in the topic: no side is to blame, and the run must begin anew."""


class Said(NamedTuple):
    """An alert as a side wrote it, and when the broker took it, in epoch milliseconds."""

    alert: Fired
    at: int


class Topics:
    """The broker's topics, as far as the runs need them."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})

    def reset(self) -> None:
        """Leave the topics that a run needs, empty, and no other, and no consumer group.

        Raises:
            TimeoutError: the broker did not let go of the old ones.
        """
        deadline = time.monotonic() + GONE_SECONDS
        while old := [name for name in self._names() if not name.startswith("__")]:
            self._settle(self._admin.delete_topics(old))
            if time.monotonic() > deadline:
                raise TimeoutError
        groups = self._admin.list_consumer_groups().result().valid or []
        names = [group.group_id for group in groups]
        if names:
            self._settle(self._admin.delete_consumer_groups(names))
        self._create()

    def _create(self) -> None:
        appended = {"message.timestamp.type": "LogAppendTime"}
        kept = {"retention.ms": "-1"}
        new = [
            NewTopic(
                spec.name,
                spec.partitions,
                1,
                config={
                    **spec.config,
                    **(appended if spec.name == Topic.ALERTS else {}),
                    **(kept if spec.name == Topic.LOG_EVENTS else {}),
                },
            )
            for spec in TOPICS
        ]
        new.append(NewTopic(PEER_ALERTS, ALERT_PARTITIONS, 1, config=appended))
        deadline = time.monotonic() + GONE_SECONDS
        while new:
            done = self._settle(self._admin.create_topics(new))
            new = [topic for topic in new if not done[topic.topic]]
            if time.monotonic() > deadline:
                raise TimeoutError
        while not self._led():
            time.sleep(0.1)
            if time.monotonic() > deadline:
                raise TimeoutError

    def _led(self) -> bool:
        """Tell whether each partition that we write has a leader; what is written before may go."""
        try:
            return [self.stored(topic) for topic in (Topic.ALERT_RULES, Topic.LOG_EVENTS)] == [0, 0]
        except KafkaException:
            return False

    def _names(self) -> Iterable[str]:
        return self._admin.list_topics(timeout=10).topics

    @staticmethod
    def _settle(futures: Mapping[str, "Future[None]"]) -> dict[str, bool]:
        """Wait for all; return which went well."""
        done = {}
        for name, future in futures.items():
            try:
                future.result()
                done[name] = True
            except KafkaException as exc:
                done[name] = exc.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
        if not all(done.values()):
            time.sleep(0.2)
        return done

    def publish(self, rules: Sequence[Rule]) -> None:
        """Let the engine have these rules."""
        producer = Producer({"bootstrap.servers": self._servers, "linger.ms": 5})
        for rule in rules:
            key = rule_key(tenant=rule.tenant, rule_id=rule.id)
            producer.produce(Topic.ALERT_RULES, key=key, value=encode_rule(rule))
            producer.poll(0)
        producer.flush()

    def fill(self, workload: Workload, records: Iterable[Record]) -> None:
        """Append records to `log-events` as the gateway writes them.

        Raises:
            KafkaException: one was not stored.
            IncompleteError: the broker does not hold all that it has acknowledged.
        """
        failed: list[KafkaError] = []
        before, written, acknowledged = self.stored(Topic.LOG_EVENTS), 0, 0

        def report(error: KafkaError | None, _message: Message) -> None:
            nonlocal acknowledged
            if error is not None:
                failed.append(error)
            acknowledged += 1

        producer = Producer(
            {
                "bootstrap.servers": self._servers,
                "compression.type": "lz4",
                "linger.ms": 5,
                "message.max.bytes": MAX_RECORD_BYTES,
                "queue.buffering.max.kbytes": 512 * 1024,
                "enable.idempotence": True,
            }
        )
        for record in records:
            _produce(producer, workload, record, report)
            written += 1
        producer.flush()
        if failed:
            raise KafkaException(failed[0])
        held = self.stored(Topic.LOG_EVENTS) - before
        if not held == acknowledged == written:
            message = f"{written} records written, {acknowledged} acknowledged, {held} held"
            raise IncompleteError(message)

    def stored(self, topic: Topic) -> int:
        """Return how many records the broker says that it has taken, deleted ones included.

        Raises:
            KafkaException: a partition has no leader yet.
        """
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": "engine-benchmark"})
        with closing(consumer):
            found = [
                consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
                for number in range(PARTITIONS[topic])
            ]
        return sum(end for _, end in found)


def _produce(
    producer: Producer,
    workload: Workload,
    record: Record,
    report: Callable[[KafkaError | None, Message], None],
) -> None:
    accepted = record.second * 1000 + 1000
    events = 1 if record.chunk < 0 else workload.batch
    headers = {
        "content-type": "application/x-ndjson",
        "schema": "log-batch/1",
        "tenant": "default",
        "count": str(events),
        "accepted-at": str(accepted),
    }
    while True:
        try:
            producer.produce(
                Topic.LOG_EVENTS,
                key=b"batch-%08d" % record.number,
                value=workload.value(record),
                partition=record.partition,
                timestamp=accepted,
                headers=[(name, text.encode()) for name, text in headers.items()],
                on_delivery=report,
            )
            producer.poll(0)
        except BufferError:
            producer.poll(0.1)
        else:
            return


class AlertReader:
    """Reads a topic of alerts from its beginning, committed records only."""

    def __init__(
        self, bootstrap_servers: str, topic: str, parse: Callable[[bytes], Fired | None]
    ) -> None:
        self._parse = parse
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "engine-benchmark",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 2,
            }
        )
        self._consumer.assign([TopicPartition(topic, n, 0) for n in range(ALERT_PARTITIONS)])
        self.said: list[Said] = []

    def poll(self, seconds: float) -> None:
        """Read what is there, waiting at most so long for the first."""
        for message in self._consumer.consume(1000, seconds):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            alert = self._parse(message.value() or b"")
            if alert is not None:
                self.said.append(Said(alert, message.timestamp()[1]))

    def drain(self) -> None:
        """Read until nothing has come for a while."""
        before = -1
        while before < len(self.said):
            before = len(self.said)
            self.poll(1.0)

    def close(self) -> None:
        self._consumer.close()
