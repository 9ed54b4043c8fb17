"""The sink's control API."""

from typing import Any

import aiohttp

Received = dict[str, Any]


class SinkClient:
    """Reads what was delivered, and makes channels fail."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def received(
        self, contains: str, *, channel: str | None = None, delivered: bool | None = None
    ) -> list[Received]:
        """Return the requests whose body has this text, oldest first."""
        query = {"contains": contains}
        if channel is not None:
            query["channel"] = channel
        if delivered is not None:
            query["delivered"] = str(delivered).lower()
        async with self._session.get(f"{self._base}/requests", params=query) as response:
            response.raise_for_status()
            found: list[Received] = (await response.json())["requests"]
            return found

    async def fail(self, channel: str, mode: str, **fault: object) -> None:
        """Put a fault in force; see sink/README.md for its members."""
        document = {"channel": channel, "mode": mode, **fault}
        async with self._session.post(f"{self._base}/faults", json=document) as response:
            assert response.status == 201, await response.text()

    async def heal(self) -> None:
        """End every fault."""
        async with self._session.delete(f"{self._base}/faults") as response:
            response.raise_for_status()
