"""Structured logs and the metrics that every process has."""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import choose_encoder

from service_runtime import tracing

VERSION = "0.1.0"
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


def render_metrics(accept: str, registry: CollectorRegistry = REGISTRY) -> tuple[bytes, str]:
    """Return the metrics and their content type: OpenMetrics if `accept` asks for it, else text."""
    if "openmetrics" in accept:
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type
    return generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8"
