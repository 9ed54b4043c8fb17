"""Stage one counts what rules ask for, whatever index, key, code or memory it uses on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy, builds, integers, lists, none, sampled_from

from alert_contracts.events import Event, encode_batch, is_error
from alert_contracts.rules import Rule, RuleType
from alert_contracts.topics import MEBIBYTE, TOPICS, Topic, dead_letter_topic
from alert_rule_engine.domain.asks import sift_of
from alert_rule_engine.domain.blocks import TARGET_BYTES
from alert_rule_engine.domain.distinct import hash_of
from alert_rule_engine.domain.evaluators import SpecEvaluator, evaluator_of
from alert_rule_engine.domain.partials import (
    MAX_CHANGES,
    Block,
    Group,
    Numbers,
    bucket_of,
    slot_of,
    target_of,
)
from alert_rule_engine.domain.plans import Plans
from alert_rule_engine.domain.room import Room
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.domain.sieves import ALIKE
from alert_rule_engine.domain.sketch import bins_of
from alert_rule_engine.domain.specs import match_of
from alert_rule_engine.entrypoints.packing import MAX_BYTES
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of, tumbling

RULES = [
    a_rule(id="errors"),
    a_rule(RuleType.LATENCY, id="slow"),
    a_rule(RuleType.LATENCY, id="slow pay", match='service == "pay" && has(responseTime)'),
    a_rule(RuleType.SERVER_ERROR, id="5xx", group_by=("service", "statusCode")),
    a_rule(RuleType.ERROR_RATE, id="rate", group_by=()),
    a_rule(id="untimed", match="!has(responseTime)"),
    a_rule(id="untimed hosts", match="!has(responseTime)", group_by=("host",)),
    a_rule(id="very slow", match="responseTime > 1000.0"),
    a_rule(id="host", match='host == "h1"', group_by=("host",)),
    a_rule(id="5xx hosts", match="statusCode >= 500", group_by=("host",)),
    a_rule(id="hosts", match='level == "ERROR"', group_by=("host", "service")),
    a_rule(id="pay", match='service == "pay" && level in ["ERROR", "WARN"]', group_by=("level",)),
    a_rule(id="pay eu", match='service == "pay" && attributes.region == "eu"', group_by=()),
    a_rule(id="eu", match='attributes.region == "eu"', group_by=("attributes.region",)),
    a_rule(id="text", match='message.contains("oo")', value="attributes.cost"),
    a_rule(id="pattern", match='message.matches("bo+m") && level == "ERROR"'),
    a_rule(id="any pattern", match='message.matches("bo+m|nothing")'),
    a_rule(id="pattern on a host", match='message.matches("bo+m") && host == "h1"'),
    a_rule(id="trace", match="true", group_by=("traceId",), window=tumbling(10_000)),
    a_rule(id="minute", match="true", window=tumbling(7_200_000)),
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


class Row(NamedTuple):
    """One entry of a block's lists."""

    spec: str
    start: int
    group: Group
    slot: int
    number: int
    errors: int
    numbers: Numbers | None
    distinct: list[int]
    changes: list[tuple[int, str]]


def rows_of(targets: Iterable[Iterable[Block]]) -> Iterator[Row]:
    for target, blocks in enumerate(targets):
        for block in blocks:
            for index, slot in enumerate(block.slots):
                assert target_of(slot) == target
                yield Row(
                    block.spec or block.specs[index],
                    block.start,
                    block.groups[index],
                    slot,
                    block.counts[index],
                    block.errors[index] if block.errors else 0,
                    block.numbers[index] if block.numbers else None,
                    block.distinct[index] if block.distinct else [],
                    block.changes[index] if block.changes else [],
                )


def evaluated(rule_set: RuleSet, *batch: Event) -> list[list[Block]]:
    return rule_set.evaluate(rule_set.decode(encode_batch(batch), NOON + 60_000))


def rule_set_of(*rules: Rule, target_bytes: int = TARGET_BYTES, remembered: int = 9) -> RuleSet:
    evaluators = [evaluator_of(each.spec) for each in book_of(*rules).specs.values()]
    room = Room(remembered)
    room.admit(evaluators)
    return RuleSet(evaluators, target_bytes=target_bytes, room=room)


def rows(rules: list[Rule], *batch: Event) -> list[Row]:
    return list(rows_of(evaluated(rule_set_of(*rules), *batch)))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _field(event: Event, name: str) -> str:
    if name.startswith("attributes."):
        return _text(event.attributes.get(name.removeprefix("attributes.")))
    return _text(
        getattr(event, {"statusCode": "status_code", "traceId": "trace_id"}.get(name, name))
    )


@given(lists(events, max_size=40))
def test_each_event_is_counted_once_for_each_rule_that_it_matches(batch: list[Event]) -> None:
    found = rows(RULES, *batch)
    for rule in RULES:
        compiled = book_of(rule).rules["default/" + rule.id]
        expected: Counter[tuple[object, ...]] = Counter()
        wrong: Counter[tuple[object, ...]] = Counter()
        for event in batch:
            if match_of(rule.match, "default").test(event):
                group = tuple(_field(event, name) for name in rule.group_by)
                place = (group, event.timestamp // compiled.spec.pane * compiled.spec.pane)
                expected[place] += 1
                wrong[place] += is_error(event)
        mine = [row for row in found if row.spec == compiled.spec.id]
        assert {(row.group, row.start): row.number for row in mine} == expected
        assert len(mine) == len(expected)
        assert {k: v for k, v in wrong.items() if v} == {
            (row.group, row.start): row.errors for row in mine if row.errors
        }


@given(lists(events, min_size=1, max_size=40))
def test_numbers_are_those_of_the_events(batch: list[Event]) -> None:
    for rule in (
        a_rule(RuleType.LATENCY, match="true"),
        a_rule(RuleType.LATENCY, match='message.contains("o")', group_by=("host",)),
        a_rule(RuleType.LATENCY, match='message != ""', value="responseTime * 1.0"),
    ):
        own = defaultdict(list)
        for event in batch:
            if match_of(rule.match, "default").test(event) and event.response_time is not None:
                group = tuple(_field(event, name) for name in rule.group_by)
                own[group, event.timestamp // 10_000 * 10_000].append(event.response_time)
        found = {(row.group, row.start): row.numbers for row in rows([rule], *batch) if row.numbers}
        assert found.keys() == own.keys()
        for place, numbers in found.items():
            values = own[place]
            assert (numbers.count, numbers.low) == (len(values), min(values))
            assert (numbers.total, numbers.high) == (sum(values), max(values))
            assert Counter(numbers.bins) == Counter(bins_of(values))


def test_numbers_too_large_to_add_up_are_bounded_and_stay_finite() -> None:
    slow = a_rule(RuleType.LATENCY, id="slow")
    batch = [
        Event(timestamp=NOON, service="pay", message="m", response_time=number)
        for number in (1e308, 1e308, 5.0)
    ]
    numbers = rows([slow], *batch)[0].numbers
    assert numbers is not None
    assert (numbers.total, numbers.low, numbers.high) == (2e280, 5.0, 1e308)
    assert numbers.bins == bins_of([1e15, 1e15, 5.0])


def test_numbers_beyond_what_a_histogram_tells_apart_are_what_they_are() -> None:
    rule = a_rule(RuleType.METRIC, value="attributes.ns", condition="max > threshold")
    (row,) = rows([rule], *(an_error(attributes={"ns": n}) for n in (5e15, 3e15)))
    assert row.numbers == Numbers(2, 8e15, 3e15, 5e15)


def test_a_value_that_an_event_lacks_is_not_counted_as_a_number() -> None:
    rule = a_rule(RuleType.METRIC, value="attributes.cost * 2", condition="sum > threshold")
    (row,) = rows(
        [rule], an_error(attributes={"cost": 4}), an_error(), an_error(attributes={"cost": "x"})
    )
    assert row.number == 3
    assert row.numbers == Numbers(1, 8.0, 8.0, 8.0)
    (bare,) = rows([rule], an_error())
    assert bare.numbers is None


def test_different_values_are_told_by_their_hashes() -> None:
    rule = a_rule(RuleType.CARDINALITY, value="attributes.user")
    users: list[object] = ["a", "b", "a", 7, None, []]
    batch = [an_error(attributes={"user": user}) for user in users]
    (row,) = rows([rule], *batch)
    assert row.number == 6
    assert row.distinct == sorted(map(hash_of, ("a", "b", "7")))


def test_terms_are_parts_of_the_group_and_stay_with_it() -> None:
    rule = a_rule(RuleType.NEW_TERM, value="attributes.country")
    batch = [an_error(attributes={"country": code}) for code in ("de", "fr", "de", None)]
    batch.append(Event(NOON, "pay", "m", "INFO", attributes={"country": "de"}))
    found = {row.group: row for row in rows([rule], *batch)}
    assert {group: row.number for group, row in found.items()} == {
        ("pay", "de"): 3,
        ("pay", "fr"): 1,
    }
    assert [row.errors for row in found.values()] == [2, 1]
    (spec,) = book_of(rule).specs
    assert {row.slot for row in found.values()} == {slot_of(spec, ("pay",))}


def test_changes_come_in_the_order_of_time_and_of_the_batch_and_runs_are_folded() -> None:
    rule = a_rule(RuleType.CHANGE, value="attributes.v")
    batch = [
        an_error(NOON + at, attributes={"v": value})
        for at, value in ((5, "b"), (1, "a"), (2, "a"), (5, "c"), (7, "c"), (8, None))
    ]
    (row,) = rows([rule], *batch)
    assert row.changes == [(NOON + 1, "a"), (NOON + 5, "b"), (NOON + 5, "c")]
    assert row.number == 5


def test_the_changes_of_one_row_are_bounded_and_the_newest_is_kept() -> None:
    rule = a_rule(RuleType.CHANGE, value="message")
    batch = [an_error(NOON + n, message=f"v{n}") for n in range(MAX_CHANGES + 10)]
    ((block,),) = (blocks for blocks in evaluated(rule_set_of(rule), *batch) if blocks)
    (changes,) = block.changes
    assert len(changes) == MAX_CHANGES
    assert changes[-1] == (NOON + MAX_CHANGES + 9, f"v{MAX_CHANGES + 9}")
    assert block.surplus == 10


@pytest.mark.parametrize(
    ("lists", "counted"),
    [
        ({"blacklist": ("a", "b")}, 2),
        ({"whitelist": ("a",)}, 2),
        ({"blacklist": ("a", "b"), "whitelist": ("a",)}, 1),
    ],
)
def test_lists_decide_by_the_value_which_events_count(
    lists: dict[str, tuple[str, ...]], counted: int
) -> None:
    rule = a_rule(RuleType.MATCH, match="true", value="attributes.user", **lists)
    batch = [an_error(attributes={"user": user}) for user in ("a", "b", "c", None)]
    assert sum(row.number for row in rows([rule], *batch)) == counted
    (spec,) = (each.spec for each in book_of(rule).specs.values())
    assert sum(evaluator_of(spec).matches(event) for event in batch) == counted


def test_without_a_value_no_number_is_kept() -> None:
    (spec,) = (
        each.spec for each in book_of(a_rule(RuleType.LATENCY, group_by=("host",))).specs.values()
    )
    (row,) = rows_of(
        evaluated(RuleSet([SpecEvaluator(spec, match_of("true", "default"))]), an_error())
    )
    assert (row.number, row.numbers) == (1, None)


def test_a_value_may_be_reckoned() -> None:
    rule = a_rule(RuleType.CARDINALITY, value="attributes.a + 1", group_by=())
    (row,) = rows([rule], *(an_error(attributes={"a": a}) for a in (1, 2, "x")))
    assert len(row.distinct) == 2


def test_no_rules_add_no_rows() -> None:
    assert evaluated(RuleSet([]), an_error()) == [[], [], [], []]
    assert evaluated(rule_set_of(a_rule())) == [[], [], [], []]


def test_what_stays_when_rules_change_is_kept() -> None:
    sets = RuleSets()
    one, two = a_rule(id="a"), a_rule(id="b", tenant="acme")
    sets.follow(book_of(one, two))
    mine, theirs = sets.of("default"), sets.of("acme")
    assert mine.evaluators != theirs.evaluators
    sets.follow(book_of(one, two, a_rule(id="c", match="true")))
    assert sets.of("acme") is theirs
    assert sets.of("default").evaluators[0] is mine.evaluators[0]
    sets.follow(book_of(one, two), without=[mine.evaluators[0].spec.id])
    assert sets.of("default").evaluators == []
    assert sets.of("nobody").evaluators == []


def test_rules_that_change_while_events_come_count_as_if_they_had_always_been_so() -> None:
    sets = RuleSets()
    batch = [
        an_error(NOON, service, host=host, message=f"boom {host}", response_time=5.0)
        for service in ("pay", "api")
        for host in ("h1", "h2")
    ]
    rules = [*RULES, a_rule(id="twice", match='message.contains("h1") && service == "api"')]
    for number in range(len(rules)):
        for live in (rules[:number] + rules[number + 1 :], rules[number:], rules):
            sets.follow(book_of(*live))
            found = evaluated(sets.of("default"), *batch)
            expected = evaluated(rule_set_of(*live), *batch)
            assert sorted(rows_of(found)) == sorted(rows_of(expected))


def test_a_match_that_nothing_can_fulfil_is_never_tried() -> None:
    assert rows([a_rule(match='level == "ERROR" && level == "WARN"')], an_error()) == []


def test_the_largest_partial_fits_into_its_topic() -> None:
    largest = TARGET_BYTES + MAX_BYTES + MEBIBYTE
    (topic,) = (spec for spec in TOPICS if spec.name == Topic.RULE_PARTIALS)
    (dead,) = (spec for spec in TOPICS if spec.name == dead_letter_topic(Topic.RULE_PARTIALS))
    assert largest < int(topic.config["max.message.bytes"]) < int(dead.config["max.message.bytes"])


def test_what_a_target_gets_is_bounded_by_its_rows_and_the_surplus_is_counted() -> None:
    rules = [
        a_rule(id=f"r{n}", match=f"true && {n} == {n}", group_by=("host", "attributes.long"))
        for n in range(20)
    ]
    keeping = [
        a_rule(RuleType.LATENCY, id="slow", group_by=("traceId",)),
        a_rule(RuleType.CARDINALITY, id="many", value="host", group_by=("traceId",)),
        a_rule(RuleType.CHANGE, id="changing", value="attributes.long", group_by=("traceId",)),
    ]
    batch = [
        an_error(
            NOON + n * 100,
            host=f"h{n}",
            trace_id=f"t{n % 7}",
            response_time=float(1.1 ** (n % 60)),
            attributes={"long": f"{n}" + "🦉" * 300},
        )
        for n in range(150)
    ]
    rule_sets = [rule_set_of(*rules, *keeping, target_bytes=50_000) for _ in range(2)]
    targets, again = (evaluated(rule_set, *batch) for rule_set in rule_sets)
    assert targets == again
    assert all(len(msgspec.msgpack.encode(blocks)) <= 55_000 for blocks in targets)
    assert max(len(msgspec.msgpack.encode(blocks)) for blocks in targets) > 20_000
    kept = sum(row.number for row in rows_of(targets))
    surplus = sum(block.surplus for blocks in targets for block in blocks)
    assert surplus > 0
    assert kept + surplus == 23 * 150


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


def test_what_is_remembered_is_bounded_and_forgetting_changes_nothing() -> None:
    rules = [a_rule(), a_rule(id="b", group_by=("host",))]
    small, large = (rule_set_of(*rules, remembered=number) for number in (3, 10_000))
    for number in range(200):
        batch = [an_error(service=f"s{number % 7}", host=f"h{each}") for each in range(5)]
        assert evaluated(small, *batch) == evaluated(large, *batch)
    assert sum(each.places() for each in small.evaluators) < 20


def test_plans_are_bounded() -> None:
    rule_set = rule_set_of(a_rule())
    plans: Plans = rule_set._plans  # noqa: SLF001 - what is remembered shows nowhere else
    for number in range(6):
        batch = [an_error(service=f"s{number}/{each}") for each in range(5_000)]
        assert sum(row.number for row in rows_of(evaluated(rule_set, *batch))) == 5_000
    assert len(plans) == 5_000


def test_groups_spread_over_targets_unless_their_number_is_bounded_exactly() -> None:
    batch = [an_error(service=f"s{n}") for n in range(100)]
    assert len({row.slot for row in rows([a_rule()], *batch)}) == 100
    assert len({row.slot for row in rows([a_rule(max_groups=5)], *batch)}) == 1
    assert 0 <= bucket_of(slot_of("x", ("pay",))) < 16


def test_times_that_cannot_be_are_those_of_acceptance() -> None:
    batch = [an_error(NOON + 9_000_000), an_error(-5), an_error(NOON + 1)]
    decoded = RuleSet([]).decode(encode_batch(batch), NOON + 2)
    assert decoded.times == [NOON + 2, NOON + 2, NOON + 1]
    assert decoded.newest == NOON + 2


@given(lists(events, max_size=30))
def test_odd_windows_are_cut_where_their_panes_end(batch: list[Event]) -> None:
    rules = [a_rule(id=f"w{size}", window=tumbling(size)) for size in (600, 61_234, 300_000)]
    found = rows(rules, *batch)
    for rule in rules:
        spec = book_of(rule).rules["default/" + rule.id].spec
        expected = Counter(
            event.timestamp // spec.pane * spec.pane for event in batch if event.level == "ERROR"
        )
        starts: Counter[int] = Counter()
        for row in found:
            if row.spec == spec.id:
                starts[row.start] += row.number
        assert starts == expected


def test_what_comes_on_both_sides_of_another_spec_s_edge_is_put_together() -> None:
    minutes = a_rule(id="minutes", match="true", window=tumbling(60_000))
    hours = tumbling(7_200_000)
    keeping = [
        a_rule(RuleType.CARDINALITY, id="many", match="true", value="host", window=hours),
        a_rule(RuleType.CHANGE, id="changing", match="true", value="host", window=hours),
        a_rule(RuleType.LATENCY, id="slow", match="true", window=hours),
        a_rule(id="errors", window=hours),
    ]
    batch = [
        an_error(NOON + second * 1_000, host=f"h{second % 3}", response_time=float(second))
        for second in (11, 2, 13, 4, 15, 6)
    ]
    batch += [an_error(NOON + second, service="calm", level="INFO") for second in (1, 12_000)]
    found = rows([minutes, *keeping], *batch)
    for rule in keeping:
        for alone in rows([rule], *batch):
            (row,) = (row for row in found if (row.spec, row.group) == (alone.spec, alone.group))
            if row.numbers is not None and alone.numbers is not None:
                assert sorted(row.numbers.bins or []) == sorted(alone.numbers.bins or [])
                assert row.numbers.total == alone.numbers.total
                row = row._replace(numbers=alone.numbers)
            assert row == alone


def test_each_kind_of_evaluator_counts_alone_as_it_does_among_others() -> None:
    batch = [an_error(NOON + n, host=f"h{n % 3}", response_time=float(n)) for n in range(30)]
    together = {(row.spec, row.group, row.start): row for row in rows(RULES, *batch)}
    for rule in RULES:
        for row in rows([rule], *batch):
            assert together[row.spec, row.group, row.start] == row


def test_many_rules_are_tried_in_chunks() -> None:
    rules = [a_rule(id=f"r{n}", match=f'message.contains("no {n};")') for n in range(300)]
    rules += [a_rule(id=f"p{n}", match=f'message.matches("^no {n};")') for n in range(300)]
    found = rows(rules, *(an_error(message=f"no {n};") for n in range(0, 300, 10)))
    assert sum(row.number for row in found) == 60
    assert len({row.spec for row in found}) == 60


def of_service(number: int, asked: str, by: str = "service") -> Rule:
    """Return a rule that asks the same as others, of a service of its own."""
    return a_rule(
        id=f"{number} by {by}", match=f'service == "s{number}" && {asked}', group_by=(by,)
    )


def test_rules_that_ask_the_same_of_many_services_each_count_their_own() -> None:
    asked = 'level == "ERROR" && message.contains("oo")'
    alike = [of_service(n, asked) for n in range(ALIKE + 8)]
    alike += [of_service(n, asked, by="host") for n in range(ALIKE)]
    batch = [
        an_error(service=f"s{n % 50}", host=f"h{n % 3}", level=level, message=message)
        for n in range(200)
        for level, message in (("ERROR", "boom"), ("ERROR", "bam"), ("WARN", "boom"))
    ]
    sets = RuleSets()
    for live in (alike, alike[1:], alike[: ALIKE - 1], alike[3:], [*alike, *RULES]):
        sets.follow(book_of(*live))
        found = evaluated(sets.of("default"), *batch)
        alone = [row for rule in live for row in rows([rule], *batch)]
        assert sorted(rows_of(found)) == sorted(alone)


def test_one_more_rule_leaves_the_code_of_those_that_ask_the_same_as_it_is() -> None:
    rules = [of_service(n, 'host == "same"') for n in range(300)]
    sets = RuleSets()
    before = sift_of.cache_info().misses
    for number in (20, 40, 300):
        sets.follow(book_of(*rules[:number]))
    assert sift_of.cache_info().misses == before + 1
