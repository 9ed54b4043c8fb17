"""`python -m service_runtime.provision`: create the topics, once, before anything reads them."""

import sys
import time
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from alert_contracts.topics import TOPICS, TopicSpec
from service_runtime.errors import StartupError
from service_runtime.settings import ServiceSettings, load

WAIT_SECONDS: Final = 60.0


def _wait_for_broker(admin: AdminClient) -> dict[str, int]:
    """Return the partition count of each existing topic, waiting for a broker to answer."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            listing = admin.list_topics(timeout=5)
        except KafkaException as exc:
            if time.monotonic() > deadline:
                message = f"no Kafka broker answered for {WAIT_SECONDS:g} s: {exc.args[0].str()}"
                raise StartupError(message) from exc
        else:
            return {name: len(topic.partitions) for name, topic in listing.topics.items()}


def _create(admin: AdminClient, missing: list[TopicSpec], replicas: int) -> None:
    new = [NewTopic(spec.name, spec.partitions, replicas, config=spec.config) for spec in missing]
    for name, future in admin.create_topics(new).items():
        try:
            future.result()
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                message = f"cannot create topic {name}: {exc.args[0].str()}"
                raise StartupError(message) from exc


def _configure(admin: AdminClient, specs: list[TopicSpec]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            str(spec.name),
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in spec.config.items()
            ],
        )
        for spec in specs
    ]
    for future in (admin.incremental_alter_configs(resources) if resources else {}).values():
        future.result()


def provision(bootstrap_servers: str, *, replicas: int = 1) -> list[str]:
    """Create what is missing and set every topic's configuration; return what was created.

    Raises:
        StartupError: no broker, a refused creation, or a topic with another partition count.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    existing = _wait_for_broker(admin)
    for spec in TOPICS:
        count = existing.get(spec.name, spec.partitions)
        if count != spec.partitions:
            message = (
                f"topic {spec.name} has {count} partitions, we need {spec.partitions}: partition "
                "counts are for life, so it must be migrated to a new topic"
            )
            raise StartupError(message)
    missing = [spec for spec in TOPICS if spec.name not in existing]
    if missing:
        _create(admin, missing, replicas)
    _configure(admin, [spec for spec in TOPICS if spec.name in existing])
    return [spec.name for spec in missing]


def main() -> int:
    """Create the topics on the brokers that KAFKA_BOOTSTRAP_SERVERS names."""
    settings = load(ServiceSettings)
    try:
        created = provision(settings.kafka_bootstrap_servers)
    except StartupError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(f"topics: {len(created)} created, {len(TOPICS) - len(created)} were there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
