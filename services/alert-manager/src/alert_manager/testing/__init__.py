"""Fakes of what the alert manager leans on, and alerts to try them with."""

from alert_manager.testing.fakes import FakeClock, FakePublisher, FakeSeenCache
from alert_manager.testing.history import FakeHistory, FakeOutbox
from alert_manager.testing.samples import CONFIG, HOUR, MINUTE, NOON, POLICY, an_alert
from alert_manager.testing.world import World

__all__ = [
    "CONFIG",
    "HOUR",
    "MINUTE",
    "NOON",
    "POLICY",
    "FakeClock",
    "FakeHistory",
    "FakeOutbox",
    "FakePublisher",
    "FakeSeenCache",
    "World",
    "an_alert",
]
