"""Rules that stage one cannot evaluate are left out, alone, and say so."""

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule
from alert_rule_engine.domain import partials, quarantine
from alert_rule_engine.domain.evaluators import evaluator_of
from alert_rule_engine.domain.evidence import LOOK_STEPS, Question, Search
from alert_rule_engine.domain.partials import Partial
from alert_rule_engine.domain.quarantine import IN_A_ROW, PAUSE_MS
from alert_rule_engine.domain.ruleset import BATCH_STEPS
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
HEAVY = f"attributes.l.all(x, {' || '.join(f'x == {n}' for n in range(80))})"
"""Each element counts for 81 steps, though the first of them decides."""
MANY = [an_error(attributes=LIST) for _ in range(BATCH_STEPS // 81 // 500 + 1)]


def errors(handler: EvaluateBatch) -> dict[str, str]:
    return {each.rule_id: each.last_error for each in handler.statuses() if each.last_error}


def test_macros_that_exhaust_their_steps_count_what_they_reached_and_say_so() -> None:
    handler = following(a_rule(id="greedy", match=HEAVY, group_by=()), GOOD)
    few = MANY[: len(MANY) // 2]
    assert counted(handler, *few) == [[len(few)], [len(few)]]
    assert not errors(handler)
    reached, whole = sorted(counted(handler, *MANY))
    assert whole == [len(MANY)]
    assert len(few) < reached[0] < len(MANY)
    assert errors(handler) == {"greedy": quarantine.TOO_MUCH}
    assert not left_out(handler)


def test_a_list_that_is_too_long_to_be_looked_through_is_told_of() -> None:
    handler = following(
        a_rule(id="macro", match='attributes.l.exists(x, x == "db")', group_by=()),
        a_rule(id="in", match='"db" in attributes.l', group_by=()),
    )
    short, long = (an_error(attributes={"l": ["x"] * n + ["db"]}) for n in (999, 1_500))
    assert counted(handler, short) == [[1, 1]]
    assert not errors(handler)
    assert sorted(*counted(handler, long, short)) == [1, 2]
    counted(handler, short)
    assert errors(handler) == {"macro": quarantine.TOO_LONG}
    assert not left_out(handler)


def test_who_needs_more_steps_than_others_has_those_that_they_leave() -> None:
    idle = [a_rule(id=f"i{n}", match=f"service == 'i{n}' && {ALL}") for n in range(1_000)]
    handler = following(a_rule(id="greedy", match=HEAVY, group_by=()), *idle)
    few = MANY[: len(MANY) // 3]
    assert counted(handler, *few) == [[len(few)]]
    assert not errors(handler)


def test_comparisons_of_lists_take_steps_as_macros_do() -> None:
    lists = "attributes.l == attributes.m || [0] in attributes.l"
    handler = following(a_rule(id="greedy", match=lists, group_by=()), GOOD)
    event = an_error(attributes={"l": [0] * 300, "m": [0] * 300})
    few = [event] * 1_000
    assert counted(handler, *few) == [[len(few)], [len(few)]]
    assert not errors(handler)
    reached, whole = sorted(counted(handler, *few * 8))
    assert whole == [8 * len(few)]
    assert len(few) < reached[0] < 8 * len(few)
    assert errors(handler) == {"greedy": quarantine.TOO_MUCH}


def test_ordinary_traffic_keeps_many_rules_with_macros_awake() -> None:
    batch = [an_error(attributes={"tags": [f"t{n}" for n in range(11)]}) for _ in range(600)]
    rules = [
        a_rule(id=f"r{n}", match=f'attributes.tags.exists(t, t == "x-{n}")') for n in range(100)
    ]
    handler = following(*rules, GOOD)
    assert counted(handler, *batch) == [[len(batch)]]
    assert not errors(handler)


def test_rules_that_exhaust_batch_after_batch_pause_and_come_back() -> None:
    now = [NOON]
    handler = EvaluateBatch(lambda: now[0])
    handler.follow(book_of(a_rule(id="greedy", match=HEAVY, group_by=()), GOOD))
    for _ in range(IN_A_ROW - 1):
        counted(handler, *MANY)
    counted(handler, MANY[0])
    for _ in range(IN_A_ROW):
        assert not left_out(handler)
        counted(handler, *MANY)
    assert left_out(handler) == {"greedy": quarantine.TOO_MUCH}
    now[0] += PAUSE_MS - 1
    assert counted(handler, MANY[0]) == [[1]]
    now[0] += 1
    assert counted(handler, MANY[0]) == [[1], [1]]
    assert not left_out(handler)
    assert errors(handler) == {"greedy": quarantine.TOO_MUCH}


def test_of_rules_that_exhaust_their_steps_together_never_all_pause_at_once() -> None:
    rules = [a_rule(id=f"r{n}", match=f"{HEAVY} && {n} != 9", group_by=()) for n in range(4)]
    handler = following(*rules, GOOD)
    for _ in range(IN_A_ROW):
        counted(handler, *MANY)
    assert len(errors(handler)) == 4
    assert len(left_out(handler)) == 2


def test_looking_for_samples_takes_no_more_steps_than_it_may() -> None:
    compiled = book_of(a_rule(match=ALL, group_by=())).rules["default/r1"]
    evaluator = evaluator_of(compiled.spec)
    question = Question("s", (), NOON, NOON + 1, first=(0, 0), last=(0, 1))
    search = Search([question], {"s": evaluator}.get)
    for offset in (0, 1):
        search.look((0, offset), encode_batch(MANY))
    (finding,) = search._findings  # noqa: SLF001
    seen = finding.sightings[0]
    assert max(each.line for each in seen) == LOOK_STEPS // (2 * 500 + 4) - 1
    assert {each.offset for each in seen} == {0, 1}
