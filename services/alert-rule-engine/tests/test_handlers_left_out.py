"""Rules that stage one cannot evaluate are left out, alone, and say so."""

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.partials import Partial
from alert_rule_engine.handlers.evaluate import EvaluateBatch
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of
from service_runtime.consumer import Record

GOOD = a_rule(id="good", group_by=())


def counted(handler: EvaluateBatch, *batch: Event) -> list[list[int]]:
    record = Record("log-events", 0, 0, b"k", encode_batch(batch), {}, NOON)
    found = partials.decode(partials.pack(handler.handle(record, settled=0).values))
    messages = [each for each in found if isinstance(each, Partial)]
    return [list(block.counts) for each in messages for block in each.blocks]


def left_out(handler: EvaluateBatch) -> dict[str, str]:
    return {each.rule_id: each.last_error for each in handler.statuses() if each.quarantined}


def following(*rules: Rule) -> EvaluateBatch:
    handler = EvaluateBatch(lambda: NOON)
    handler.follow(book_of(*rules))
    return handler


def test_a_rule_of_which_no_evaluator_can_be_made_is_left_out_alone() -> None:
    bad = a_rule(id="bad", group_by=("podName",))
    handler = following(bad, GOOD)
    for _ in range(2):
        assert counted(handler, an_error(), an_error()) == [[2]]
        assert left_out(handler) == {"bad": "KeyError('podName')"}
        handler.follow(book_of(bad, GOOD, a_rule(id="more", group_by=(), match="false")))
    handler.follow(book_of(GOOD))
    assert not left_out(handler)
