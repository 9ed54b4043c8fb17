"""The state's table: Faust's changelog and recovery around a dictionary.

Faust's memory store forgets which offsets it holds and replays the whole changelog at every
rebalance; `OffsetStore` remembers. The table is written only through `send_changelog`, whose
acknowledgement is awaited, never through item assignment, which is not.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final, cast

from faust.stores import STORES
from faust.stores.memory import Store
from faust.tables import TableManager
from faust.types import TP, EventT, TableT

from alert_rule_engine.domain.parts import Change

SCHEME: Final = "offsets"
STORE_URL: Final = f"{SCHEME}://x"
"""A store's URL needs a host: one without is falsy, and Faust then ignores it."""


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


STORES.aliases[SCHEME] = f"{__name__}:{OffsetStore.__name__}"


class Tables(TableManager):
    """Faust's, which starts at once; by itself it waits a second for tables, and ours are there."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


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
        sent = [
            self._table.send_changelog(
                partition, key, value, key_serializer="raw", value_serializer="raw"
            )
            for key, value in changes
        ]
        stored = [await acknowledged for acknowledged in sent]
        for key, value in changes:
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value
        for metadata in stored:
            tp = TP(metadata.topic, metadata.partition)
            self._store.set_persisted_offset(tp, metadata.offset)

    def keep_only(self, partitions: Iterable[int]) -> Mapping[bytes, bytes]:
        """Drop what belongs to other partitions, offsets too; return what is left."""
        kept = set(partitions)
        foreign = [key for key in self._data if int(key.partition(b":")[0]) not in kept]
        for key in foreign:
            del self._data[key]
        store = self._store
        store.offsets = {tp: at for tp, at in store.offsets.items() if tp.partition in kept}
        return self._data
