"""A store that knows its changelog, and reads it in one go before Faust does.

Faust's memory store forgets which offsets it holds and replays the whole changelog at every
rebalance; `OffsetStore` remembers. Faust takes each record of a changelog through its streams, some
2 000 a second on a busy core; after minutes of load that is most of the time of a restart.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.stores import STORES
from faust.stores.memory import Store
from faust.types import TP, EventT

from alert_rule_engine.adapters.lone import lone_consumer
from service_runtime.telemetry import logger

log = logger(__name__)
SCHEME: Final = "offsets"
STORE_URL: Final = f"{SCHEME}://x"
"""A store's URL needs a host: one without is falsy, and Faust then ignores it."""
PATIENCE: Final = 6.0
"""Below the session of the group, which waits for us meanwhile."""
_POLL_MS: Final = 500


class OffsetStore(Store[bytes, bytes]):
    """A dictionary that knows how far into the changelog it reaches."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.offsets: dict[TP, int] = {}

    def persisted_offset(self, tp: TP) -> int | None:
        return self.offsets.get(tp)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self.offsets[tp] = max(offset, self.offsets.get(tp, -1))

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT[Any]],
        to_key: Callable[[Any], Any],
        to_value: Callable[[Any], Any],
    ) -> None:
        events = list(batch)
        super().apply_changelog_batch(events, to_key, to_value)
        for event in events:
            self.set_persisted_offset(event.message.tp, event.message.offset)

    def take(self, tp: TP, records: Iterable[tuple[int, bytes, bytes | None]]) -> None:
        """Apply records of the changelog: offset, key and value; without a value the key goes."""
        for offset, key, value in records:
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value
            self.set_persisted_offset(tp, offset)


STORES.aliases[SCHEME] = f"{__name__}:{OffsetStore.__name__}"


async def catch_up(
    store: OffsetStore, partitions: Collection[TP], brokers: str, *, patience: float = PATIENCE
) -> None:
    """Let a store hold all that some partitions of its changelog hold.

    `patience`: seconds. What cannot be read in time is left to Faust, which goes on behind it.
    """
    if not partitions:
        return
    consumer = lone_consumer(brokers)
    try:
        async with asyncio.timeout(patience):
            await consumer.start()
            mine = [TopicPartition(*tp) for tp in partitions]
            consumer.assign(mine)
            await _read(consumer, store, mine)
    except (KafkaError, TimeoutError) as exc:
        log.warning("changelog_left_to_faust", reason=repr(exc))
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, store: OffsetStore, partitions: Sequence[TopicPartition]
) -> None:
    for tp in partitions:
        held = store.persisted_offset(TP(*tp))
        if held is not None:
            consumer.seek(tp, held + 1)
    ends: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions)
    while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(*behind, timeout_ms=_POLL_MS)).items():
            store.take(TP(*tp), [(record.offset, record.key, record.value) for record in records])
