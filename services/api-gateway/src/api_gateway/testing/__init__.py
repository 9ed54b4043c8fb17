"""Our fakes: each passes the suite of the thing that it replaces."""

from api_gateway.testing.kafka import (
    FakeEventLog,
    FakeProducer,
    FakeRuleTopic,
    FakeStatusFeed,
    Sent,
)
from api_gateway.testing.repository import FakeRuleRepository
from api_gateway.testing.samples import World, plain_event, plain_rule

__all__ = [
    "FakeEventLog",
    "FakeProducer",
    "FakeRuleRepository",
    "FakeRuleTopic",
    "FakeStatusFeed",
    "Sent",
    "World",
    "plain_event",
    "plain_rule",
]
