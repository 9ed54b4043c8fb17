"""The programs of the stack by name, in starting order: their ports, and a sign of life."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from native import ports, probes
from native.ports import Port


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a program without preparing it; the probe asks the first port."""

    variables: tuple[str, ...]
    probe: Callable[[int], bool]

    @property
    def ports(self) -> list[Port]:
        return [ports.read(variable) for variable in self.variables]

    def ready(self) -> bool:
        return self.probe(self.ports[0].number)


def _service(variable: str) -> Entry:
    return Entry((variable,), partial(probes.http_ok, path="/health/ready"))


CATALOG = {
    "kafka": Entry(("TOCSIN_KAFKA_PORT", "TOCSIN_KAFKA_CONTROLLER_PORT"), probes.kafka),
    "redis": Entry(("TOCSIN_REDIS_PORT",), probes.redis),
    "postgres": Entry(("TOCSIN_POSTGRES_PORT",), probes.postgres),
    "prometheus": Entry(("TOCSIN_PROMETHEUS_PORT",), partial(probes.http_ok, path="/-/ready")),
    "sink": Entry(
        ("TOCSIN_SINK_PORT", "TOCSIN_SINK_SMTP_PORT"), partial(probes.http_ok, path="/requests")
    ),
    "notification-service": _service("TOCSIN_NOTIFICATION_PORT"),
    "alert-manager": _service("TOCSIN_ALERT_MANAGER_PORT"),
    "rule-aggregate": _service("TOCSIN_ENGINE_PORT"),
    "rule-evaluate": _service("TOCSIN_EVALUATE_PORT"),
    "api-gateway": _service("TOCSIN_GATEWAY_PORT"),
}
