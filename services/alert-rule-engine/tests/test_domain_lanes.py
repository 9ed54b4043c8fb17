"""Rows of specs that have few each share a block, and fire what they would fire alone."""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy, builds, integers, lists, sampled_from

from alert_contracts.rules import Rule, RuleType
from alert_rule_engine.domain.partials import Partial, decode
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND


def counting(name: str, threshold: int, size: int = MINUTE, lateness: int = 30 * SECOND) -> Rule:
    window = tumbling(size, lateness=lateness)
    return a_rule(RuleType.EVENT_COUNT, id=name, match="true", threshold=threshold, window=window)


RULES = [
    counting("minute", 9),
    counting("minutes", 20, 5 * MINUTE),
    counting("many minutes", 45, 15 * MINUTE),
]
"""All three read the same panes."""


class Post(NamedTuple):
    """Events of one service and one moment."""

    second: int
    service: str
    number: int


posts: SearchStrategy[Post] = builds(
    Post, integers(0, 899), sampled_from(["pay", "api", "web"]), integers(1, 8)
)


def post(pipeline: Pipeline, second: int, service: str = "pay", number: int = 1) -> None:
    event = an_error(NOON + second * SECOND, service)
    pipeline.post(*[event] * number)


def held(pipeline: Pipeline) -> int:
    buckets = [each for journal in pipeline.journals for each in journal.partition.buckets]
    panes = [panes for bucket in buckets for panes in bucket.specs.values()]
    return sum(
        cell.count for each in panes for some in each.slices.values() for cell in some.values()
    )


def matched(pipeline: Pipeline) -> int:
    vectors = [journal.partition.vector for journal in pipeline.journals]
    return sum(each.matched for vector in vectors for each in vector.tallies.values())


@given(lists(posts, max_size=60))
def test_each_rule_of_a_spec_fires_as_soon_as_any_window_of_its_own_holds(
    stream: list[Post],
) -> None:
    pipeline = Pipeline(*RULES)
    counted: Counter[tuple[str, str, int]] = Counter()
    holding = set()
    for each in stream:
        post(pipeline, *each)
        for rule in RULES:
            window = (rule.id, each.service, each.second * SECOND // rule.window.size)
            counted[window] += each.number
            if counted[window] > (rule.threshold or 0):
                holding.add((rule.id, each.service))
        assert {(alert.rule.id, alert.group["service"]) for alert in pipeline.alerts} == holding
    assert held(pipeline) == matched(pipeline) == sum(each.number for each in stream)


def test_what_one_window_has_left_is_little_however_many_events_another_lets_pass() -> None:
    pipeline = Pipeline(counting("minute", 9), counting("minutes", 45, 5 * MINUTE))
    post(pipeline, 0)
    post(pipeline, 65, number=10)
    post(pipeline, 65, number=32)
    assert {each.rule.id for each in pipeline.alerts} == {"minute"}
    post(pipeline, 0, number=3)
    assert {each.rule.id for each in pipeline.alerts} == {"minute", "minutes"}


def test_rows_of_many_specs_share_a_block() -> None:
    rules = [counting(f"r{number}", number, lateness=number) for number in range(20)]
    pipeline = Pipeline(*rules)
    post(pipeline, 0)
    messages = [decode(records[0])[0] for records in pipeline.log]
    blocks = [block for each in messages if isinstance(each, Partial) for block in each.blocks]
    assert len(blocks) == sum(1 for each in messages if isinstance(each, Partial) and each.blocks)
    assert sorted(spec for block in blocks for spec in block.specs) == sorted(pipeline.book.specs)


def test_a_group_that_comes_later_gets_panes_of_its_own() -> None:
    pipeline = Pipeline(a_rule(threshold=1, group_by=("host",), max_groups=2))
    for host in ("a", "b", "c", "a", "b", "c"):
        pipeline.post(an_error(host=host))
    assert pipeline.said()[1:] == ["firing a 2", "firing b 2"]
    assert (held(pipeline), len(pipeline.alerts)) == (4, 3)


def test_a_row_that_comes_too_late_is_lost_visibly_though_others_of_its_block_are_not() -> None:
    pipeline = Pipeline(
        counting("prompt", 9, lateness=0), counting("patient", 9, lateness=10 * MINUTE)
    )
    post(pipeline, 0)
    pipeline.tick(NOON + 3 * MINUTE)
    applied = pipeline.post(an_error(NOON))
    assert sum(each.losses.late for each in applied) == 1
    post(pipeline, 200)
    tallies = [t for each in pipeline.journals for t in each.partition.vector.tallies.values()]
    assert sorted((each.matched, each.late) for each in tallies) == [(2, 1), (3, 0)]


@pytest.mark.parametrize("crashes", [False, True])
def test_a_pane_that_was_judged_is_judged_again_by_rows_that_share_a_block(crashes: bool) -> None:  # noqa: FBT001
    pipeline = Pipeline(
        a_rule(RuleType.ERROR_RATE, threshold=50, min_count=4, window=sliding(MINUTE)),
        counting("count", 3),
    )
    post(pipeline, 1, number=2)
    pipeline.tick(NOON + 20 * SECOND)
    if crashes:
        pipeline.flush()
        pipeline.crash()
    post(pipeline, 2, number=2)
    pipeline.tick(NOON + 21 * SECOND)
    assert sorted(each.rule.id for each in pipeline.alerts) == ["count", "r1"]


def test_what_a_bucket_contains_already_is_not_scattered_over_it_again() -> None:
    pipeline = Pipeline(*RULES)
    post(pipeline, 1, number=8)
    pipeline.flush()
    post(pipeline, 2, "api", number=8)
    post(pipeline, 3)
    pipeline.flush(writes=1)
    pipeline.crash()
    assert held(pipeline) == 17
    post(pipeline, 4)
    assert pipeline.said() == ["firing pay 10"]
