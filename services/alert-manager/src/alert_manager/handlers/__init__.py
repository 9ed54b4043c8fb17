"""The use cases: take in the engine's records, note deliveries, obey people, publish."""

from alert_manager.handlers.desk import Desk
from alert_manager.handlers.people import Request, acknowledge, resolve
from alert_manager.handlers.publishing import publish, publish_owed
from alert_manager.handlers.records import forget_old, measure, note_deliveries, take_in

__all__ = [
    "Desk",
    "Request",
    "acknowledge",
    "forget_old",
    "measure",
    "note_deliveries",
    "publish",
    "publish_owed",
    "resolve",
    "take_in",
]
