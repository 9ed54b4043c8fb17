"""Stage one counts what rules ask for, whatever index, key or memory it uses on the way."""

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy, builds, integers, lists, none, sampled_from

from alert_contracts.events import Event, encode_batch, is_error
from alert_contracts.rules import Rule, RuleType
from alert_contracts.topics import MEBIBYTE, TOPICS, Topic, dead_letter_topic
from alert_rule_engine.domain.partials import Block, Row, bucket_of, slot_of, target_of
from alert_rule_engine.domain.plans import MAX_SLOTS, Planner, SpecEvaluator
from alert_rule_engine.domain.ruleset import SAMPLE_BYTES, TARGET_BYTES, RuleSet, rulesets
from alert_rule_engine.domain.views import MAX_LINE
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of, tumbling
from rule_language import compile_match, compile_value

RULES = [
    a_rule(id="errors"),
    a_rule(RuleType.LATENCY, id="slow"),
    a_rule(RuleType.SERVER_ERROR, id="5xx", group_by=("service", "statusCode")),
    a_rule(RuleType.ERROR_RATE, id="rate", group_by=()),
    a_rule(id="host", match='host == "h1"', group_by=("host",)),
    a_rule(id="pay", match='service == "pay" && level in ["ERROR", "WARN"]', group_by=("level",)),
    a_rule(id="eu", match='attributes.region == "eu"', group_by=("attributes.region",)),
    a_rule(id="text", match='message.contains("oo")', value="attributes.cost"),
    a_rule(id="trace", match="true", group_by=("traceId",), window=tumbling(10_000)),
]
events: SearchStrategy[Event] = builds(
    Event,
    timestamp=integers(NOON, NOON + 25_000),
    service=sampled_from(["pay", "api"]),
    message=sampled_from(["boom", "fine"]),
    level=sampled_from(["ERROR", "WARN", "INFO", ""]),
    status_code=sampled_from([None, 200, 500]),
    response_time=none() | integers(0, 3_000).map(float),
    host=sampled_from([None, "h1", "h2"]),
    trace_id=sampled_from([None, "t1"]),
    attributes=sampled_from([{}, {"region": "eu"}, {"region": "us", "cost": 3}, {"cost": "x"}]),
)


def evaluated(rules: list[Rule], *batch: Event) -> list[Block]:
    rule_set = rulesets(book_of(*rules))["default"]
    targets = rule_set.evaluate(rule_set.decode(encode_batch(batch)))
    for target, blocks in enumerate(targets):
        assert all(target_of(row.slot) == target for block in blocks for row in block.rows)
    return [block for blocks in targets for block in blocks]


def evaluator_of(rule: Rule, *, bound: int = MAX_SLOTS) -> SpecEvaluator:
    spec = book_of(rule).rules["default/" + rule.id].spec
    return SpecEvaluator(spec, compile_match(rule.match), None, bound=bound)


def rows(rules: list[Rule], *batch: Event) -> list[Row]:
    return [row for block in evaluated(rules, *batch) for row in block.rows]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _field(event: Event, name: str) -> str:
    if name.startswith("attributes."):
        return _text(event.attributes.get(name.removeprefix("attributes.")))
    return _text(
        getattr(event, {"statusCode": "status_code", "traceId": "trace_id"}.get(name, name))
    )


def test_numbers_too_large_to_add_up_are_bounded_and_stay_finite() -> None:
    slow = a_rule(RuleType.LATENCY, id="slow")
    batch = [
        Event(timestamp=NOON, service="pay", message="m", response_time=number)
        for number in (1e308, 1e308, 5.0)
    ]
    values = rows([slow], *batch)[0].values
    assert values is not None
    assert (values.total, values.low, values.high) == (2e15 + 5, 5.0, 1e15)


@given(lists(events, max_size=40))
def test_each_event_is_counted_once_for_each_rule_that_it_matches(batch: list[Event]) -> None:
    for rule in RULES:
        compiled = book_of(rule).rules["default/" + rule.id]
        expected: Counter[tuple[object, ...]] = Counter()
        wrong: Counter[tuple[object, ...]] = Counter()
        match = compile_match(rule.match)
        for event in batch:
            if match.test(event):
                group = tuple(_field(event, name) for name in rule.group_by)
                place = (group, event.timestamp // compiled.spec.pane * compiled.spec.pane)
                expected[place] += 1
                wrong[place] += is_error(event)
        mine = [
            row
            for block in evaluated(RULES, *batch)
            if block.spec == compiled.spec.id
            for row in block.rows
        ]
        assert {(row.group, row.start): row.count for row in mine} == expected
        assert {k: v for k, v in wrong.items() if v} == {
            (row.group, row.start): row.errors for row in mine if row.errors
        }


@given(lists(events, min_size=1, max_size=40))
def test_values_and_samples_are_those_of_the_events(batch: list[Event]) -> None:
    times = [event.response_time for event in batch if event.response_time is not None]
    rule = a_rule(RuleType.LATENCY, group_by=(), match="true")
    found = rows([rule], *batch)
    assert sum(row.values.count for row in found if row.values) == len(times)
    for row in found:
        own = [e for e in batch if row.start <= e.timestamp < row.start + 10_000]
        assert row.first is not None
        first = msgspec.json.decode(row.first.line, type=Event)
        assert first in own
        assert first.timestamp == row.first.at == min(event.timestamp for event in own)
        if row.values is not None:
            assert row.values.sketch is not None
            assert sum(row.values.sketch.values()) == row.values.count
            assert row.values.low == min(
                e.response_time for e in own if e.response_time is not None
            )


def test_a_value_that_an_event_lacks_is_not_counted_as_a_number() -> None:
    rule = a_rule(match="true", value="attributes.cost * 2")
    (row,) = rows(
        [rule], an_error(attributes={"cost": 4}), an_error(), an_error(attributes={"cost": "x"})
    )
    assert row.count == 3
    assert row.values is not None
    assert (row.values.count, row.values.total, row.values.sketch) == (1, 8.0, None)
    (bare,) = rows([rule], an_error())
    assert bare.values is None


def test_no_rules_add_no_rows() -> None:
    empty = RuleSet([])
    assert empty.evaluate(empty.decode(encode_batch([an_error()]))) == [[], [], [], []]


def test_rules_of_another_tenant_are_another_set() -> None:
    sets = rulesets(book_of(a_rule(), a_rule(id="b", tenant="acme")))
    assert set(sets) == {"default", "acme"}


def test_a_match_that_nothing_can_fulfil_is_never_tried() -> None:
    assert rows([a_rule(match='level == "ERROR" && level == "WARN"')], an_error()) == []


def test_a_long_sample_loses_its_message_and_if_need_be_all_that_is_not_required() -> None:
    (row,) = rows([a_rule()], an_error(message="x" * 9_000, host="h1"))
    assert row.first is not None
    assert row.last is None
    assert len(row.first.line) < 2_000
    assert json.loads(row.first.line)["host"] == "h1"
    (row,) = rows([a_rule()], an_error(attributes={"a": "x" * 9_000}))
    assert row.first is not None
    assert len(row.first.line) < MAX_LINE
    assert "attributes" not in json.loads(row.first.line)


def test_samples_have_a_budget_and_rows_beyond_it_go_without() -> None:
    rule_set = RuleSet([evaluator_of(a_rule(group_by=("host",)))], sample_bytes=200)
    batch = encode_batch(an_error(host=f"h{n}") for n in range(20))
    targets = rule_set.evaluate(rule_set.decode(batch))
    found = [row for blocks in targets for block in blocks for row in block.rows]
    assert len(found) == 20
    assert 0 < sum(row.first is not None for row in found) <= 8


def test_the_largest_partial_fits_into_its_topic() -> None:
    largest = TARGET_BYTES + SAMPLE_BYTES + MEBIBYTE
    (topic,) = (spec for spec in TOPICS if spec.name == Topic.RULE_PARTIALS)
    (dead,) = (spec for spec in TOPICS if spec.name == dead_letter_topic(Topic.RULE_PARTIALS))
    assert largest < int(topic.config["max.message.bytes"]) < int(dead.config["max.message.bytes"])


def test_what_a_target_gets_is_bounded_by_its_rows_and_the_surplus_is_counted() -> None:
    rules = [
        a_rule(id=f"r{n}", match=f"true && {n} == {n}", group_by=("host", "attributes.long"))
        for n in range(20)
    ]
    wide = a_rule(RuleType.LATENCY, id="wide", group_by=("traceId",))
    book = book_of(*rules, wide)
    evaluators = [
        SpecEvaluator(each.spec, compile_match(each.spec.match), value)
        for each in book.specs.values()
        for value in [compile_value(each.spec.value) if each.spec.value else None]
    ]
    batch = encode_batch(
        an_error(
            host=f"h{n}",
            trace_id=f"t{n % 7}",
            response_time=float(1.1 ** (n % 60)),
            attributes={"long": "🦉" * 300},
        )
        for n in range(150)
    )
    targets = []
    for _ in range(2):
        rule_set = RuleSet(evaluators, sample_bytes=4_000, target_bytes=50_000)
        targets.append(rule_set.evaluate(rule_set.decode(batch)))
    assert targets[0] == targets[1]
    assert all(len(msgspec.msgpack.encode(blocks)) <= 55_000 for blocks in targets[0])
    assert max(len(msgspec.msgpack.encode(blocks)) for blocks in targets[0]) > 30_000
    kept = sum(r.count for blocks in targets[0] for b in blocks for r in b.rows)
    surplus = sum(block.surplus for blocks in targets[0] for block in blocks)
    assert surplus > 0
    assert kept + surplus == 21 * 150


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (7, "7"), (None, ""), ("x" * 256, "x" * 256)],
)
def test_a_group_is_made_of_texts(value: object, text: str) -> None:
    (row,) = rows([a_rule(group_by=("attributes.a",))], an_error(attributes={"a": value}))
    assert row.group == (text,)


def test_a_long_value_is_cut_and_still_told_from_another() -> None:
    rule = a_rule(group_by=("attributes.a",))
    long = ["x" * 200_000 + end for end in "ab"]
    found = rows([rule], *(an_error(attributes={"a": value}) for value in long))
    assert len({row.group for row in found}) == 2
    assert all(len(row.group[0]) == 273 for row in found)
    assert all(row.group[0].startswith("x" * 256 + "~") for row in found)


def test_a_sample_that_cannot_be_had_is_left_out() -> None:
    rule_set = rulesets(book_of(a_rule(match="true")))["default"]
    line = encode_batch([an_error(message="x" * 9_000)]).replace(b'"boom"', b"17")
    odd = line.replace(b'"message":"', b'"message":17,"was":"')
    for value in (odd, b"\n" + encode_batch([an_error()])):
        targets = rule_set.evaluate(rule_set.decode(value))
        assert [row.first for blocks in targets for b in blocks for row in b.rows] == [None]


def test_what_is_remembered_is_bounded_and_forgetting_changes_nothing() -> None:
    evaluator = evaluator_of(a_rule(), bound=2)
    planner = Planner([evaluator], bound=2)
    for number in [*range(5), *range(5)]:
        plan = planner.plan(an_error(service=f"s{number}"))
        assert plan.settled == ((evaluator, (f"s{number}",)),)
        slot = evaluator.slot((f"s{number}",))
        assert (
            slot == evaluator.slot((f"s{number}",)) == slot_of(evaluator.spec.id, (f"s{number}",))
        )


def test_groups_spread_over_targets_unless_their_number_is_bounded_exactly() -> None:
    batch = [an_error(service=f"s{n}") for n in range(100)]
    assert len({row.slot for row in rows([a_rule()], *batch)}) == 100
    assert len({row.slot for row in rows([a_rule(max_groups=5)], *batch)}) == 1
    assert 0 <= bucket_of(slot_of("x", ("pay",))) < 16


def test_poison_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        RuleSet([]).decode(b"nonsense")
