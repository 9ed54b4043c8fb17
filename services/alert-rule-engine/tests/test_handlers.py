"""The use cases on fakes: evaluating, poison, faults of our own, rules taken over."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule, RuleType, encode_rule
from alert_contracts.topics import Header
from alert_rule_engine.domain import partials
from alert_rule_engine.domain.evaluators import Predicate, SpecEvaluator
from alert_rule_engine.domain.partials import Partial, Tick
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.domain.specs import PaneSpec, match_of
from alert_rule_engine.domain.tallies import Tallies
from alert_rule_engine.handlers.evaluate import EvaluateBatch, tick
from alert_rule_engine.handlers.rules import TakeRules
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError


def a_record(
    value: bytes | None,
    *,
    offset: int = 0,
    partition: int = 1,
    headers: dict[str, str] | None = None,
) -> Record:
    key = b"b%d" % offset
    return Record("log-events", partition, offset, key, value, headers or {}, NOON + 7)


def a_batch(*events: Event, offset: int = 0, headers: dict[str, str] | None = None) -> Record:
    return a_record(encode_batch(events), offset=offset, headers=headers)


def evaluator(*rules: Rule) -> EvaluateBatch:
    handler = EvaluateBatch(lambda: NOON + 9, worker="w1")
    handler.follow(book_of(*rules))
    return handler


def decoded(values: list[bytes]) -> list[Partial]:
    found = partials.decode(partials.pack(values))
    return [each for each in found if isinstance(each, Partial)]


def test_a_record_yields_one_partial_for_each_target_also_when_it_adds_nothing() -> None:
    record = a_batch(
        an_error(NOON + 5),
        an_error(NOON + 1),
        headers={Header.ACCEPTED_AT: str(NOON + 6), Header.TRACEPARENT: "00-t"},
    )
    emission = evaluator(a_rule()).handle(record, settled=0)
    found = decoded(emission.values)
    assert len(found) == 4
    assert emission.poison is None
    assert sum(sum(block.counts) for each in found for block in each.blocks) == 2
    assert {(each.source, each.offset, each.clock, each.at) for each in found} == {
        (1, 0, NOON + 5, NOON + 9)
    }
    assert {(each.accepted_at, each.traceparent) for each in found} == {(NOON + 6, "00-t")}
    assert sum(each.events for each in found) == 2


def test_an_empty_record_says_that_events_could_be_accepted_and_nothing_of_event_time() -> None:
    record = a_record(b"", headers={Header.ACCEPTED_AT: str(NOON + 6)})
    emission = evaluator(a_rule()).handle(record, settled=0)
    assert emission.poison is None
    found = decoded(emission.values)
    told = {(each.events, each.clock, each.accepted_at) for each in found}
    assert (len(found), told) == (4, {(0, 0, NOON + 6)})
    assert not any(each.blocks for each in found)


def test_event_time_never_runs_ahead_of_acceptance() -> None:
    emission = evaluator().handle(a_batch(an_error(NOON + 600_000)), settled=0)
    assert {each.clock for each in decoded(emission.values)} == {NOON + 7}


@pytest.mark.parametrize("value", [b"nonsense", None, b'{"timestamp":"x"}\n'])
def test_poison_is_named_and_still_yields_its_partials(value: bytes | None) -> None:
    emission = evaluator(a_rule()).handle(a_record(value), settled=0)
    assert isinstance(emission.poison, PoisonError)
    found = decoded(emission.values)
    assert [(each.offset, each.events, each.blocks) for each in found] == [(0, 0, [])] * 4


def test_a_record_without_our_headers_is_accepted_when_kafka_took_it() -> None:
    emission = evaluator().handle(
        Record("log-events", 0, 3, None, encode_batch([an_error()]), {"accepted-at": "soon"}, NOON),
        settled=0,
    )
    assert {each.accepted_at for each in decoded(emission.values)} == {NOON}


def test_a_tenant_is_judged_by_its_own_rules() -> None:
    handler = evaluator(a_rule(tenant="acme"))
    mine = decoded(
        handler.handle(a_batch(an_error(), headers={"tenant": "acme"}), settled=0).values
    )
    other = decoded(handler.handle(a_batch(an_error()), settled=0).values)
    assert sum(len(each.blocks) for each in mine) == 1
    assert sum(len(each.blocks) for each in other) == 0
    assert sum(each.events for each in other) == 1


def test_a_tick_says_where_sources_end() -> None:
    message = tick(now=NOON, idle={3: 7})
    assert partials.decode(partials.pack([message])) == [Tick(partials.FORMAT, NOON, {3: 7})]


def test_many_messages_share_a_record_in_their_order() -> None:
    messages = [Tick(partials.FORMAT, at, {}) for at in range(300)]
    for some in ([], messages[:1], messages[:15], messages[:16], messages):
        assert partials.decode(partials.pack(list(map(partials.encode, some)))) == some


def test_an_acceptance_that_no_clock_shows_is_bounded() -> None:
    record = a_batch(an_error(NOON), headers={Header.ACCEPTED_AT: "9" * 30})
    assert {each.accepted_at for each in decoded(evaluator().handle(record, settled=0).values)} == {
        1 << 53
    }


class Stopwatch:
    """A timer that moves on by a second whenever a spec counts events."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def make(self, spec: PaneSpec) -> SpecEvaluator:
        made = Slow(spec, match_of(spec.match, spec.tenant))
        made.watch = self
        return made


class Slow(SpecEvaluator):
    """Takes a second to count events."""

    __slots__ = ("watch",)
    watch: Stopwatch

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        self.watch.now += 1.0
        super().collect(events, tallies)


class Fault:
    """Makes evaluators; those that read a value fail, so many times."""

    def __init__(self, times: int = 1_000) -> None:
        self.times = times

    def make(self, spec: PaneSpec) -> SpecEvaluator:
        term: Any = SimpleNamespace(of=self.fail, variables=frozenset(), budget=None)
        return SpecEvaluator(spec, match_of(spec.match, spec.tenant), term=term)

    def fail(self, _event: Event) -> str | None:
        self.times -= 1
        if self.times >= 0:
            message = "our fault"
            raise ZeroDivisionError(message)
        return None


GOOD = a_rule(id="good", match='message.contains("oo")', group_by=())
BAD = a_rule(RuleType.CARDINALITY, id="bad", value="host", group_by=())


def test_a_rule_that_fails_by_our_fault_is_left_out_alone_until_it_changes() -> None:
    fault = Fault()
    handler = EvaluateBatch(lambda: NOON + 9, worker="w1", sets=RuleSets(fault.make))
    record = a_batch(an_error(), an_error())
    handler.follow(book_of(GOOD, BAD))
    for _ in range(2):
        found = decoded(handler.handle(record, settled=0).values)
        assert [block.counts for each in found for block in each.blocks] == [[2]]
        handler.follow(book_of(GOOD, BAD))
    statuses = {each.rule_id: each for each in handler.statuses()}
    assert statuses["bad"].quarantined
    assert statuses["bad"].last_error == "ZeroDivisionError('our fault')"
    assert statuses["bad"].last_error_at == NOON + 9
    assert not statuses["good"].quarantined
    fault.times = 0
    handler.follow(book_of(GOOD, msgspec.structs.replace(BAD, revision=2)))
    found = decoded(handler.handle(record, settled=0).values)
    assert [block.counts for each in found for block in each.blocks] == [[2], [2]]
    assert not any(each.quarantined for each in handler.statuses())
    handler.follow(book_of(GOOD))
    assert [each.rule_id for each in handler.statuses()] == ["good"]


def test_a_rule_for_which_no_code_can_be_made_is_left_out_alone() -> None:
    def make(spec: PaneSpec) -> SpecEvaluator:
        match: Any = match_of(spec.match, spec.tenant)
        if spec.value is not None:
            match = SimpleNamespace(variables=match.variables, source=match.source, budget=None)
        return SpecEvaluator(spec, match)

    handler = EvaluateBatch(lambda: NOON, sets=RuleSets(make))
    handler.follow(book_of(GOOD, BAD))
    found = decoded(handler.handle(a_batch(an_error()), settled=0).values)
    assert [block.counts for each in found for block in each.blocks] == [[1]]
    assert [each.rule_id for each in handler.statuses() if each.quarantined] == ["bad"]


class Unplanned(SpecEvaluator):
    """A spec with a fault of ours that shows only when it is put together with others."""

    __slots__ = ()

    def predicates(self) -> Sequence[Predicate]:
        raise ZeroDivisionError


def test_a_rule_that_cannot_be_put_together_with_others_is_left_out_alone() -> None:
    def make(spec: PaneSpec) -> SpecEvaluator:
        kind = SpecEvaluator if spec.value is None else Unplanned
        return kind(spec, match_of(spec.match, spec.tenant))

    handler = EvaluateBatch(lambda: NOON, sets=RuleSets(make))
    handler.follow(book_of(GOOD, BAD))
    found = decoded(handler.handle(a_batch(an_error()), settled=0).values)
    assert [block.counts for each in found for block in each.blocks] == [[1]]
    assert [each.rule_id for each in handler.statuses() if each.quarantined] == ["bad"]


def test_a_fault_that_no_rule_has_alone_is_not_hidden() -> None:
    handler = EvaluateBatch(lambda: NOON, sets=RuleSets(Fault(times=1).make))
    handler.follow(book_of(GOOD, BAD))
    with pytest.raises(ZeroDivisionError):
        handler.handle(a_batch(an_error()), settled=0)


def test_each_rule_is_told_with_its_share_of_the_time() -> None:
    timer = Stopwatch()
    handler = EvaluateBatch(lambda: NOON + 9, timer, worker="w1", sets=RuleSets(timer.make))
    matches = {"a": 'message != "1"', "b": 'message != "1"', "c": 'message != "2"'}
    handler.follow(
        book_of(
            *[a_rule(id=name, match=match, threshold=ord(name)) for name, match in matches.items()]
        )
    )
    assert {each.cpu_share for each in handler.statuses()} == {0.0}
    for offset in range(100):
        handler.handle(a_batch(an_error(), offset=offset), settled=0)
    handler.handle(a_record(None), settled=0)
    found = {each.rule_id: each for each in handler.statuses()}
    assert {name: each.cpu_share for name, each in found.items()} == {
        "a": 0.25,
        "b": 0.25,
        "c": 0.5,
    }
    assert {(each.stage, each.share, each.revision) for each in found.values()} == {
        ("evaluate", "w1", 1)
    }


def a_rule_record(rule: Rule | None, value: bytes | None = None) -> Record:
    raw = value if rule is None else encode_rule(rule)
    return Record("alert-rules", 0, 0, b"default/r1", raw, {}, NOON)


def test_rules_are_taken_over_revision_by_revision() -> None:
    handler = TakeRules()
    assert handler.take(a_rule_record(a_rule(revision=2)))
    assert not handler.take(a_rule_record(a_rule(revision=1)))
    assert set(handler.compile().rules) == {"default/r1"}
    assert handler.take(a_rule_record(None))
    assert not handler.compile().rules


def test_a_rule_of_a_database_that_was_built_anew_is_taken_over() -> None:
    handler = TakeRules()
    assert handler.take(a_rule_record(a_rule(revision=7, updated_at=NOON)))
    assert handler.take(a_rule_record(a_rule(revision=1, updated_at=NOON + 1)))
    assert not handler.take(a_rule_record(a_rule(revision=8, updated_at=NOON)))


def test_a_record_without_a_key_is_a_rule_all_the_same() -> None:
    handler = TakeRules()
    record = Record("alert-rules", 0, 0, None, encode_rule(a_rule()), {}, NOON)
    assert handler.take(record)


def test_a_record_that_is_no_rule_is_poison() -> None:
    with pytest.raises(PoisonError):
        TakeRules().take(a_rule_record(None, b"{}"))


def test_a_refused_rule_is_counted_once_for_each_reason() -> None:
    handler = TakeRules()
    handler.take(a_rule_record(a_rule(match="level ==")))
    assert set(handler.compile().errors) == {"default/r1"}
    assert set(handler.compile().errors) == {"default/r1"}
