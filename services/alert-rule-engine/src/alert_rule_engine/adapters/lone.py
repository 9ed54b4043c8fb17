"""A consumer of whole partitions: in no group, from the beginning on, and committing nothing."""

from typing import Final

from aiokafka import AIOKafkaConsumer

_FETCH_BYTES: Final = 4_194_304
"""Of a partition at once: what is read at a start or a rebalance holds others up."""


def lone_consumer(brokers: str) -> AIOKafkaConsumer:
    """Return one that is neither started nor assigned."""
    return AIOKafkaConsumer(
        bootstrap_servers=brokers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
