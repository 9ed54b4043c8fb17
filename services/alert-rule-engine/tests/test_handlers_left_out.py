"""Rules that stage one cannot evaluate are left out, alone, and say so."""

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import LOOK_STEPS, Question, Search
from alert_rule_engine.domain.partials import Partial
from alert_rule_engine.domain.ruleset import BATCH_STEPS, MOST_STEPS
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


LIST = {"l": [0] * 500}
ALL = "attributes.l.all(x, x == 0)"
MANY = [an_error(attributes=LIST) for _ in range(MOST_STEPS // 500 + 1)]


def test_a_rule_whose_macros_take_too_many_steps_for_a_batch_is_left_out_alone() -> None:
    greedy = a_rule(id="greedy", match=ALL, group_by=())
    handler = following(greedy, GOOD)
    assert counted(handler, *MANY[:-2]) == [[len(MANY) - 2], [len(MANY) - 2]]
    assert not left_out(handler)
    for _ in range(2):
        assert counted(handler, *MANY) == [[len(MANY)]]
        assert left_out(handler) == {
            "greedy": "TooMuchError('its macros take too many steps for one batch')"
        }


def test_rules_with_the_same_expression_have_their_steps_each() -> None:
    rules = [a_rule(id=f"r{n}", match=ALL, group_by=(f"attributes.a{n}",)) for n in range(5)]
    handler = following(*rules)
    assert sum(map(sum, counted(handler, *MANY[:-2]))) == 5 * (len(MANY) - 2)
    assert not left_out(handler)


def test_many_rules_with_macros_have_fewer_steps_each() -> None:
    number = 2 * BATCH_STEPS // MOST_STEPS
    rules = [a_rule(id=f"r{n}", match=f"{ALL} && [{n}].all(x, true)") for n in range(number)]
    handler = following(*rules, GOOD)
    assert counted(handler, *MANY[: len(MANY) * 2 // 3]) == [[len(MANY) * 2 // 3]]
    assert len(left_out(handler)) == number


def test_looking_for_samples_takes_no_more_steps_than_it_may() -> None:
    compiled = book_of(a_rule(match=ALL, group_by=())).rules["default/r1"]
    evaluator = evaluator_of(compiled.spec)
    question = Question("s", (), NOON, NOON + 1, first=(0, 0), last=(0, 1))
    search = Search([question], {"s": evaluator}.get)
    for offset in (0, 1):
        search.look((0, offset), encode_batch(MANY))
    seen = [each for finding in search._findings for each in finding.sightings]  # noqa: SLF001
    assert max(each.line for each in seen) == LOOK_STEPS // 500 - 1
    assert {each.offset for each in seen} == {0, 1}
