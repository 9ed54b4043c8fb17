"""The state is stored in time, however much there is to apply.

A flush awaits many things, and whenever one of them is done, its next step comes only after the
record that is being applied. In a storm of alerts that may take half a second, and a flush of some
hundred steps would go on for a minute.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

PATIENCE: Final = 0.5


class Brake:
    """One flush at a time; one that takes long has the loop for itself."""

    def __init__(self, monotonic: Callable[[], float], *, patience: float = PATIENCE) -> None:
        """`patience`: seconds for which records are applied beside a flush."""
        self._monotonic = monotonic
        self._patience = patience
        self._flush = asyncio.Lock()
        self._since: float | None = None

    @asynccontextmanager
    async def flush(self) -> AsyncIterator[None]:
        """Flush within this context."""
        async with self._flush:
            self._since = self._monotonic()
            try:
                yield
            finally:
                self._since = None

    async def give_way(self) -> None:
        """Wait for the end of a flush that takes long."""
        if self._since is not None and self._monotonic() - self._since >= self._patience:
            async with self._flush:
                pass
