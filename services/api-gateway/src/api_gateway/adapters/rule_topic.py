"""The compacted topic `alert-rules`: written record by record, read whole."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alert_contracts.rules import Rule, decode_rule, encode_rule, rule_key
from alert_contracts.topics import Header, Schema, Topic
from api_gateway.adapters.kafka import KafkaLink
from api_gateway.ports import Clock, RuleKey, Version
from service_runtime import tracing
from service_runtime.errors import TemporaryError

READ_SECONDS: Final = 30.0
WAIT_SECONDS: Final = 0.1
"""How long a batch that is not full is waited for: so much longer does reading take than it must.
"""
_BATCH: Final = 1_000
_UNREADABLE: Final[Version] = (0, 0)
"""Version of a record that is no rule: no rule has it, so it is overwritten or withdrawn."""


class KafkaRuleTopic:
    """See `RuleTopic`. `consumer` makes a client that reads the topic from its beginning."""

    def __init__(self, link: KafkaLink, consumer: Callable[[], Consumer], *, clock: Clock) -> None:
        self._link = link
        self._consumer = consumer
        self._clock = clock

    async def demand(self) -> None:
        """Raise TemporaryError unless a broker answers now."""
        self._link.demand()
        await self._link.check()

    async def put(self, rule: Rule) -> None:
        """Return once the broker has the rule."""
        await self._send((rule.tenant, rule.id), encode_rule(rule))

    async def withdraw(self, key: RuleKey) -> None:
        """Return once the broker has the rule's tombstone."""
        await self._send(key, None)

    async def content(self) -> Mapping[RuleKey, Version]:
        """Return the version of every rule on the topic."""
        return await asyncio.to_thread(_read_all, self._consumer)

    async def _send(self, key: RuleKey, value: bytes | None) -> None:
        tenant, rule_id = key
        trace = tracing.current.get() or tracing.start()
        await self._link.send(
            Topic.ALERT_RULES,
            value,
            key=rule_key(tenant=tenant, rule_id=rule_id),
            headers={
                Header.CONTENT_TYPE: "application/json",
                Header.SCHEMA: Schema.RULE,
                Header.TENANT: tenant,
                Header.COUNT: "1",
                Header.ACCEPTED_AT: str(self._clock()),
                Header.TRACEPARENT: trace.header(),
            },
        )


def rule_consumer(bootstrap_servers: str, client_settings: Mapping[str, Any]) -> Consumer:
    """Return a client that belongs to no group and commits nothing."""
    return Consumer(
        {
            **client_settings,
            "bootstrap.servers": bootstrap_servers,
            "group.id": "api-gateway-rules",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )


def _read_all(make: Callable[[], Consumer]) -> dict[RuleKey, Version]:
    consumer = make()
    try:
        return _latest(consumer)
    except KafkaException as exc:
        message = f"cannot read {Topic.ALERT_RULES}: {exc.args[0].str()}"
        raise TemporaryError(message) from exc
    finally:
        consumer.close()


def _latest(consumer: Consumer) -> dict[RuleKey, Version]:
    partition = TopicPartition(Topic.ALERT_RULES, 0)
    low, _ = consumer.get_watermark_offsets(partition, timeout=5)
    partition.offset = low
    consumer.assign([partition])
    found: dict[RuleKey, Version] = {}
    deadline = time.monotonic() + READ_SECONDS
    while time.monotonic() < deadline:
        for message in consumer.consume(_BATCH, timeout=WAIT_SECONDS):
            error = message.error()
            if error is None:
                _note(found, message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                return found
            else:
                raise KafkaException(error)
    message_text = f"cannot read {Topic.ALERT_RULES} within {READ_SECONDS:g} s"
    raise TemporaryError(message_text)


def _note(found: dict[RuleKey, Version], message: Message) -> None:
    tenant, _, rule_id = (message.key() or b"").decode("utf-8", "replace").partition("/")
    value = message.value()
    if value is None:
        found.pop((tenant, rule_id), None)
        return
    try:
        rule = decode_rule(value)
    except msgspec.DecodeError:
        found[tenant, rule_id] = _UNREADABLE
    else:
        found[tenant, rule_id] = (rule.revision, rule.updated_at)
