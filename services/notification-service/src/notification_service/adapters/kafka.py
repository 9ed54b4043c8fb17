"""Delivery results on Kafka."""

import asyncio
from collections.abc import Sequence

from alert_contracts.notifications import DeliveryResult, encode
from alert_contracts.topics import Header, Schema, Topic
from service_runtime.errors import PermanentError, TemporaryError
from service_runtime.kafka import KafkaProducer


class KafkaResults:
    """Publishes results, keyed by group, and waits for the broker."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer

    async def publish(self, results: Sequence[DeliveryResult]) -> None:
        sent = [
            self._producer.send(
                Topic.DELIVERY_RESULTS,
                encode(result),
                key=result.group_key.encode(),
                headers={
                    Header.CONTENT_TYPE: "application/json",
                    Header.SCHEMA: Schema.DELIVERY_RESULT,
                    Header.TENANT: result.tenant,
                },
            )
            for result in results
        ]
        try:
            await asyncio.gather(*sent)
        except PermanentError as exc:
            # The broker refuses the topic: that is for an operator to mend, and nothing is lost.
            raise TemporaryError(str(exc), retry_after=5.0) from exc
