"""What the notification service is told."""

import os
import socket

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from notification_service.domain.circuit import CircuitPolicy
from notification_service.domain.outcome import DAY_MS, Patience, RetryPolicy
from notification_service.domain.private import PrivateHosts, parse_private_hosts
from service_runtime.settings import ServiceSettings, shared


class Settings(ServiceSettings):
    """Settings of the notification service; lengths of time in seconds unless named otherwise."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATION_SERVICE_")

    port: int = Field(default=8083, ge=0, le=65535)
    """Port of the REST API; 0 takes a free one."""
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://alertuser@127.0.0.1:5432/alertdb"),
        validation_alias=shared("DATABASE_URL"),
    )
    """A libpq URL."""
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias=shared("REDIS_URL")
    )
    """Where the circuits are shown; delivery does not need it."""
    config_path: str = Field(
        default="config/tocsin.yml", min_length=1, validation_alias=shared("TOCSIN_CONFIG")
    )
    """The alerting configuration; this service reads its receivers."""
    instance: str = ""
    """Name of this process, for leases; empty takes host name and port. Two processes with one
    name would deliver twice."""
    allowed_private_hosts: str = ""
    """Hosts that may have a loopback, private or link-local address, as `host` or `host:port` with
    commas between, such as the demo sink or a mail relay of yours. All others are refused, so that
    whoever writes the configuration cannot reach into your network."""
    webhook_secret: SecretStr = SecretStr("")
    """Signs webhook bodies (HMAC-SHA256, header X-Tocsin-Signature); empty signs nothing."""
    send_timeout: float = Field(default=10.0, gt=0, le=120)
    """How long one send may take. Shorter gives up on slow services, longer delays the fallback."""
    tries: int = Field(default=3, ge=1, le=10)
    """Sends in one round. One falls back at the first hiccup; many delay the fallback."""
    retry_deadline: float = Field(default=10.0, gt=0, le=300)
    """Time after which a round begins no further try: one that times out falls back at once."""
    retry_longest: float = Field(default=30.0, ge=1, le=3600)
    """Longest pause between rounds of what is owed. Shorter notices a recovery sooner."""
    give_up_after: float = Field(default=3 * 86_400.0, ge=3_600)
    """Age at which an owed message is declared dead. Shorter loses pages in a long outage."""
    circuit_failures: int = Field(default=5, ge=1, le=100)
    """Failures in a row that open a destination's circuit."""
    circuit_rate: float = Field(default=0.5, gt=0, le=1)
    """Share of failures among the last 20 calls (at least 10) that opens it."""
    circuit_cool_down: float = Field(default=10.0, gt=0, le=600)
    """How long it stays open before a probe. Shorter asks a dead service more often."""
    concurrency: int = Field(default=8, ge=1, le=256)
    """Deliveries at once to one destination; others have their own. More meets rate limits."""
    lease: float = Field(default=15.0, ge=3, le=300)
    """Life of a claim, renewed while the work goes on. Shorter takes over sooner from a process
    that died, longer forgives a stalled one."""
    retention_days: int = Field(default=30, ge=4, le=3_650)
    """How long finished deliveries are kept. They must outlive the topic's three days."""

    def owner(self, port: int) -> str:
        """Return the name under which leases are taken; one process, one name."""
        unique = f"{socket.gethostname()}:{port}"
        return self.instance or (unique if self.port else f"{unique}:{os.getpid()}")

    @field_validator("allowed_private_hosts")
    @classmethod
    def _known_hosts(cls, value: str) -> str:
        parse_private_hosts(value)
        return value

    def private_hosts(self) -> PrivateHosts:
        """Return the hosts that may have a private address."""
        return parse_private_hosts(self.allowed_private_hosts)

    def patience(self) -> Patience:
        """Return how long what is owed is tried."""
        return Patience(
            longest=round(self.retry_longest * 1000), give_up=round(self.give_up_after * 1000)
        )

    def circuit_policy(self) -> CircuitPolicy:
        """Return when a circuit opens."""
        return CircuitPolicy(
            consecutive=self.circuit_failures,
            rate=self.circuit_rate,
            cool_down=round(self.circuit_cool_down * 1000),
        )

    def retry_policy(self) -> RetryPolicy:
        """Return how long one round goes on."""
        return RetryPolicy(tries=self.tries, deadline=self.retry_deadline)

    def retention_ms(self) -> int:
        """Return how long finished deliveries are kept, in milliseconds."""
        return self.retention_days * DAY_MS
