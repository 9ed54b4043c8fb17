"""What the gateway is told from outside."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from alert_contracts.topics import MEBIBYTE
from service_runtime.settings import ServiceSettings, shared


class Settings(ServiceSettings):
    """Settings of the gateway, from `API_GATEWAY_*` and the shared names."""

    model_config = SettingsConfigDict(env_prefix="API_GATEWAY_")

    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one, which is logged."""
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://alertuser@127.0.0.1:5432/alertdb"),
        validation_alias=shared("DATABASE_URL"),
    )
    """A libpq URL. Ingestion works without the database; the rules do not."""
    linger_ms: float = Field(default=5.0, ge=0, le=1_000)
    """Milliseconds that small requests wait for each other. 0 makes records of one request each,
    which cost the engine dear; longer delays every small request by as much."""
    share_below: int = Field(default=1_000, ge=0, le=5_000)
    """Requests of fewer events share a record with others. 0 never shares; 5000 delays even large
    batches by the linger."""
    kafka_timeout: float = Field(default=4.0, ge=0.5, le=60)
    """Seconds until a record that Kafka has not acknowledged is answered 503. Shorter turns a
    hiccup of the broker into errors; longer keeps clients waiting when it is gone."""
    max_in_flight_bytes: int = Field(default=128 * MEBIBYTE, ge=40 * MEBIBYTE)
    """Bytes of bodies in memory at once; over it, 503. Less turns bursts away; more is memory."""
    body_timeout: float = Field(default=20.0, gt=0, le=300)
    """Seconds in which a client must have sent its body. Shorter cuts slow links off; longer lets
    idle clients hold connections."""
    max_rules: int = Field(default=20_000, ge=1, le=100_000)
    """Rules that one tenant may have. Fewer refuses users; each costs the engine memory."""
    reconcile_seconds: float = Field(default=3.0, ge=0.1, le=300)
    """Pause between two looks for rules that are stored but not published. Longer leaves a rule
    that was stored during a Kafka outage unpublished for longer."""
    metrics_max_rules: int = Field(default=200, ge=0, le=1_000)
    """Rules of which /metrics tells how they fare, ten series each: those that fail first, then
    those that take most of the engine's time. 0 shows none; more are more series for Prometheus
    to keep, and 50 microseconds of each scrape. tocsin_rule_metrics_left_out counts the rest."""
