"""The state's table: Faust's changelog and recovery around a dictionary.

It is written only in batches of ours, whose acknowledgement is awaited, never through item
assignment, which is not. Faust would take each record by itself: a tenth of a millisecond each.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, cast

from aiokafka.producer.message_accumulator import BatchBuilder
from faust.tables import TableManager
from faust.types import TP, TableT

from alert_rule_engine.adapters.changelog import OffsetStore, catch_up
from alert_rule_engine.domain.parts import Change


class Tables(TableManager):
    """Faust's, which starts at once; by itself it waits a second for tables, and ours are there.

    What it holds is up to date before Faust's recovery asks what there is to be read.
    """

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Take over partitions."""
        brokers = ",".join(url.authority for url in self.app.conf.broker)
        actives = self.app.assignor.assigned_actives()
        for table in self.values():
            topic = table.changelog_topic.get_topic_name()
            mine = [tp for tp in actives if tp.topic == topic]
            await catch_up(cast("OffsetStore", table.data), mine, brokers)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)


class TableStore:
    """A StateStore on a Faust table."""

    def __init__(self, table: TableT[bytes, bytes]) -> None:
        self._table = table

    @property
    def _data(self) -> MutableMapping[bytes, bytes]:
        return self._store.data

    @property
    def _store(self) -> OffsetStore:
        return cast("OffsetStore", self._table.data)

    async def write(self, partition: int, changes: Sequence[Change]) -> None:
        """Send the changes to the changelog, await every acknowledgement, then hold them.

        We are the only writer of a partition, so nothing before our records is unknown to us, and
        no later recovery needs to read them.
        """
        tp = TP(self._table.changelog_topic.get_topic_name(), partition)
        producer: Any = self._table.app.producer
        kafka = producer._ensure_producer()  # noqa: SLF001 - Faust sends records one by one only
        sent = [
            (await kafka.send_batch(batch, tp.topic, partition=partition), batch.record_count())
            for batch in _batches(kafka, changes)
        ]
        ends = [(await stored).offset + count for stored, count in sent]
        for key, value in changes:
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value
        for end in ends:
            self._store.set_persisted_offset(tp, end - 1)

    def keep_only(self, partitions: Iterable[int]) -> Mapping[bytes, bytes]:
        """Drop what belongs to other partitions, offsets too; return what is left."""
        kept = set(partitions)
        foreign = [key for key in self._data if int(key.partition(b":")[0]) not in kept]
        for key in foreign:
            del self._data[key]
        store = self._store
        store.offsets = {tp: at for tp, at in store.offsets.items() if tp.partition in kept}
        return self._data


def _batches(producer: Any, changes: Iterable[Change]) -> Iterator[BatchBuilder]:  # noqa: ANN401 - aiokafka's, untyped
    """Yield the changes in batches; one that is too long for any has one for itself."""
    batch = producer.create_batch()
    for key, value in changes:
        if batch.append(timestamp=None, key=key, value=value) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)
    if batch.record_count():
        batch.close()
        yield batch
