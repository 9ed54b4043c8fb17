"""The timer that lays out for the metrics how rules fare."""

from typing import Final

from api_gateway.domain.rule_ranking import Shown
from api_gateway.handlers.faring import Fares
from api_gateway.telemetry import LogEvent, RuleMetrics
from service_runtime.telemetry import logger

log = logger(__name__)
PAUSE_SECONDS: Final = 10.0


class Shelf:
    """Chooses the rules that metrics show, so that a scrape need not look at all of them."""

    def __init__(self, fares: Fares, metrics: RuleMetrics, *, limit: int) -> None:
        self._fares = fares
        self._metrics = metrics
        self._limit = limit

    async def once(self) -> float:
        """Choose anew; what goes wrong is logged, and the metrics then show no rule."""
        try:
            self._metrics.shown = await self._fares.show(self._limit)
        except Exception:
            # Old figures would pose as new ones; the next look may be better.
            self._metrics.shown = Shown({})
            log.exception(LogEvent.RULE_METRICS_FAILED)
        return PAUSE_SECONDS
