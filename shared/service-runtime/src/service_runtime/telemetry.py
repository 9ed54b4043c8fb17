"""Structured logs and the metrics that every process has."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from itertools import chain
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service_runtime import tracing

VERSION = "0.1.0"
REPEAT_SECONDS: Final = 10.0
KEY_LENGTH: Final = 40
MAX_KEYS: Final = 1_000
_END: Final = b"# EOF\n"
Logger = structlog.stdlib.BoundLogger


def commit() -> str:
    """Return the revision that was built, as the build told it."""
    return os.environ.get("TOCSIN_COMMIT", "unknown")


def _add_trace(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    context = tracing.current.get()
    if context is not None:
        event.setdefault("traceId", context.trace_id)
        event.setdefault("spanId", context.span_id)
    return event


def _encode(event: MutableMapping[str, Any], **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


class Throttle(logging.Filter):
    """Lets a library repeat itself once in `REPEAT_SECONDS`: an outage must not fill the disk.

    Lines count as the same when logger, level and the first words of the message are. The next
    line that passes says how many did not. Our own log events are never held back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line may pass."""
        if isinstance(record.msg, dict):  # structlog's: ours
            return True
        words = record.getMessage()[:KEY_LENGTH]
        key = (record.name, record.levelno, words)
        now = self._clock()
        since, held = self._seen.get(key, (-REPEAT_SECONDS, 0))
        if now - since < REPEAT_SECONDS:
            self._seen[key] = (since, held + 1)
            return False
        if len(self._seen) >= MAX_KEYS:
            self._seen.clear()
        self._seen[key] = (now, 0)
        if held:
            record.msg, record.args = f"{record.getMessage()} ({held} more like it)", ()
        return True


def configure_logging(service: str, level: str) -> None:
    """Send every log line of this process, ours and the libraries', to stdout as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(Throttle())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_encode),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def logger(name: str) -> Logger:
    """Return the structured logger of a module."""
    log: Logger = structlog.stdlib.get_logger(name)
    return log


def announce_build(service: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Publish `tocsin_build_info`."""
    gauge = Gauge(
        "tocsin_build_info",
        "What runs here",
        ["service", "version", "commit"],
        registry=registry,
    )
    gauge.labels(service, VERSION, commit()).set(1)


class _Family(Collector):
    """A registry of one metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def render_metrics(
    accept: str, registry: CollectorRegistry = REGISTRY
) -> tuple[Iterator[bytes], str]:
    """Return the metrics and their content type: OpenMetrics if `accept` asks for it, else text.

    They come one by one: all at once may take longer than others should wait.
    """
    encoder: Callable[[Collector], bytes] = generate_latest
    kind = "text/plain; version=0.0.4; charset=utf-8"
    if "openmetrics" in accept:
        encoder, kind = choose_encoder(accept)
    families = (encoder(_Family(each)).removesuffix(_END) for each in registry.collect())
    return chain(families, [_END] if "openmetrics" in kind else []), kind
