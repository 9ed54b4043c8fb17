"""What an operator may set."""

import socket
from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from alert_rule_engine.failpoints import Point
from service_runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of both roles; the environment's prefix is ALERT_RULE_ENGINE_."""

    model_config = SettingsConfigDict(
        env_prefix="ALERT_RULE_ENGINE_", frozen=True, use_attribute_docstrings=True, extra="ignore"
    )

    port: int = Field(default=8081, ge=0, le=65535)
    """Port of the aggregate role; 0 takes a free one, which is logged."""
    evaluate_port: int = Field(default=0, ge=0, le=65535)
    """Port of the evaluate role; 0 takes a free one, which is logged."""
    instance_id: str = Field(default_factory=socket.gethostname, min_length=1, max_length=200)
    """Names this worker within its group, so that a restart gets its partitions back at once. Two
    workers of one role under one name throw each other out."""
    out_of_order: timedelta = Field(default=timedelta(seconds=2), ge=timedelta(0))
    """How far event time waits for stragglers. Shorter judges percentiles and rates sooner;
    longer judges them with fewer corrections by late events."""
    idle_after: timedelta = Field(default=timedelta(seconds=5), gt=timedelta(0))
    """Silence after which a partition no longer holds event time back. Shorter than a shipper's
    pause makes its events late; longer delays percentiles, rates and resolves when traffic
    stops."""
    flush_interval: timedelta = Field(
        default=timedelta(milliseconds=500), gt=timedelta(0), le=timedelta(seconds=30)
    )
    """Pause between two writes of the state. Shorter writes more; longer replays more after a
    crash."""
    alerts_per_flush: int = Field(default=200, ge=1, le=100_000)
    """Alert records of one rule between two writes of the state; more wait for the next. Lower
    tells a storm slowly; higher lets a storm hold up the state."""
    evaluate_buffer: int = Field(default=64, ge=16, le=65_536)
    """Records read ahead by evaluate. Lower starves it; each may hold 1 MiB."""
    aggregate_buffer: int = Field(default=128, ge=16, le=65_536)
    """Records read ahead by aggregate. Lower starves it; higher takes memory."""
    failpoint: str = Field(
        default="",
        pattern=f"^(({'|'.join(Point)})(:[1-9][0-9]*)?)?$",
    )
    """For fault tests only: a place, or `place:n`, at whose n-th passing the process kills itself.
    Empty passes them all."""
