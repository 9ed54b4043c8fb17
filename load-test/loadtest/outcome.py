"""What came out at the other end: the alerts of this run and their deliveries, from Kafka."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from alert_contracts.alerts import decode_alert
from alert_contracts.notifications import decode_result
from alert_contracts.rules import RuleType
from alert_contracts.topics import TOPICS, Topic

POLL_S = 0.2
PARTITIONS = {spec.name: spec.partitions for spec in TOPICS}
JUDGED = frozenset({RuleType.LATENCY, RuleType.ERROR_RATE})
WATCHED = (Topic.ALERTS, Topic.DELIVERY_RESULTS)


@dataclass(slots=True)
class Outcome:
    """The alerts of this run, and every delivery since it began. Epoch milliseconds."""

    accepted: dict[str, int] = field(default_factory=dict)
    """When the gateway took the batch that made each alert fire."""
    decided: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    """When the record of the alert was handed to Kafka."""
    judged: set[str] = field(default_factory=set)
    """Those of rules that are judged at the end of a pane, and so are late by design."""
    delivered: dict[str, int] = field(default_factory=dict)
    """The first delivery of each alert, of whatever run: the topics are read in no order."""

    def undelivered(self) -> int:
        """Return how many alerts of this run have not been delivered anywhere."""
        return len(self.accepted.keys() - self.delivered.keys())

    def decided_ms(self, *, judged: bool) -> list[float]:
        """Return how long alerts took from acceptance to the engine's decision."""
        return self._since_accepted(self.decided, judged=judged)

    def written_ms(self) -> list[float]:
        """Return how long alerts that fire on crossing took from acceptance to their topic."""
        return self._since_accepted(self.written, judged=False)

    def delivered_ms(self, *, judged: bool) -> list[float]:
        """Return how long delivered alerts took from acceptance to delivery."""
        return self._since_accepted(self.delivered, judged=judged)

    def _since_accepted(self, stage: Mapping[str, int], *, judged: bool) -> list[float]:
        return [
            float(stage[name] - at)
            for name, at in self.accepted.items()
            if name in stage and (name in self.judged) is judged
        ]


class OutcomeReader:
    """Reads `alerts` and `delivery-results` from now on, outside of any group."""

    def __init__(self, bootstrap_servers: str, *, run: str) -> None:
        self._run = run
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "load-test",
                "enable.auto.commit": False,
                "log_level": 2,
            }
        )
        self._consumer.assign(list(_ends(self._consumer)))
        self.outcome = Outcome()

    def close(self) -> None:
        self._consumer.close()

    def drain(self, *, seconds: float, only_alerts: bool = False) -> Outcome:
        """Read until every alert of the run is delivered, at most so long."""
        deadline = time.monotonic() + seconds
        while True:
            messages = self._consumer.consume(500, POLL_S)
            for message in messages:
                if message.error() is None:
                    self._take(message)
            delivered = only_alerts or self.outcome.undelivered() == 0
            if not messages and (delivered or time.monotonic() >= deadline):
                return self.outcome

    def _take(self, message: Message) -> None:
        value = message.value() or b""
        try:
            if message.topic() == Topic.ALERTS:
                self._alert(value, written=message.timestamp()[1])
            else:
                self._result(value)
        except msgspec.DecodeError:
            return  # the readers of these topics report it; here it is only not ours

    def _alert(self, value: bytes, *, written: int) -> None:
        alert = decode_alert(value)
        ours = alert.group.get("service", "").startswith(self._run)
        if ours and alert.status == "firing" and alert.accepted_at is not None:
            self.outcome.accepted.setdefault(alert.id, alert.accepted_at)
            self.outcome.decided.setdefault(alert.id, alert.decided_at)
            self.outcome.written.setdefault(alert.id, written)
            if alert.rule.type in JUDGED:
                self.outcome.judged.add(alert.id)

    def _result(self, value: bytes) -> None:
        result = decode_result(value)
        if result.outcome == "delivered":
            for alert_id in result.alert_ids:
                self.outcome.delivered.setdefault(alert_id, result.at)


def _ends(consumer: Consumer) -> Iterator[TopicPartition]:
    """Yield every partition at its present end. Raises KafkaException without a broker."""
    for topic in WATCHED:
        for partition in range(PARTITIONS[topic]):
            where = TopicPartition(topic, partition)
            where.offset = consumer.get_watermark_offsets(where, timeout=10.0)[1]
            yield where
