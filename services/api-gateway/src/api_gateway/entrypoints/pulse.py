"""The timer that lets the engine know that the gateway is there."""

from typing import Final

from api_gateway.handlers.beating import Heartbeat
from api_gateway.telemetry import LogEvent
from service_runtime.errors import TemporaryError
from service_runtime.health import Health
from service_runtime.telemetry import logger

log = logger(__name__)
PAUSE_SECONDS: Final = 0.5


class Pulse:
    """Beats while the gateway is ready."""

    def __init__(self, heartbeat: Heartbeat, health: Health) -> None:
        self._heartbeat = heartbeat
        self._health = health

    async def once(self) -> float:
        """Beat, unless nobody could be heard just now."""
        if self._health.ready:
            await self._beat()
        return PAUSE_SECONDS

    async def _beat(self) -> None:
        try:
            await self._heartbeat.beat()
        except TemporaryError:
            pass  # that Kafka is away is logged elsewhere
        except Exception:
            # Whatever goes wrong with one beat, the next may come through.
            log.exception(LogEvent.HEARTBEAT_FAILED)
