"""Whatever cannot be read is poison, and harms nothing but itself."""

import pytest

from alert_contracts.rules import RuleType, encode_rule
from alert_rule_engine.domain.sampling import events_of
from alert_rule_engine.handlers.evaluate import EvaluateBatch
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.testing import NOON, a_rule, book_of
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError

DEEP = b"[" * 3_000 + b"]" * 3_000


def test_a_record_that_nests_too_deep_is_poison_and_yields_its_partials() -> None:
    handler = EvaluateBatch(lambda: NOON)
    handler.follow(book_of(a_rule(RuleType.EVENT_COUNT, match="has(attributes.x)")))
    value = b'{"timestamp":1,"service":"s","message":"m","attributes":{"x":' + DEEP + b"}}"
    emission = handler.handle(Record("log-events", 0, 0, b"k", value, {}, NOON), settled=0)
    assert emission.poison is not None
    assert len(emission.values) == 4


@pytest.mark.parametrize(
    "value",
    [
        encode_rule(a_rule()).replace(b"A rule", b"A \xff rule"),
        encode_rule(a_rule()).replace(b'"tenant"', b'"unknown":' + DEEP + b',"tenant"'),
        b"{}",
    ],
)
def test_a_rule_that_cannot_be_read_is_poison(value: bytes) -> None:
    with pytest.raises(PoisonError):
        TakeRules().take(Record("alert-rules", 0, 0, b"default/r1", value, {}, NOON))


def test_a_line_that_nests_too_deep_is_no_sample_and_hides_no_other() -> None:
    good = b'{"timestamp":1,"service":"s","message":"m"}'
    deep = good[:-1] + b',"attributes":{"x":' + DEEP + b"}}"
    assert [event.service for _, event in events_of(deep + b"\n" + good)] == ["s"]
