"""A rule that is at fault stops nobody but itself."""

import msgspec.structs
import pytest

from alert_contracts.rules import RuleType, Window
from alert_rule_engine.domain.conditions import CompiledRule
from alert_rule_engine.domain.rules import compile_rules
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
WINDOWS = [tumbling(MINUTE), sliding(MINUTE), Window("hopping", MINUTE, 30 * SECOND)]


def test_a_condition_that_leaves_all_doubles_behind_compiles() -> None:
    product = "*".join(["previous.count"] * 30)
    rule = a_rule(RuleType.METRIC, value="responseTime", condition=f"{product} / 3.0 > count")
    book = compile_rules([rule])
    assert not book.errors
    assert not book.rules["default/r1"].holds({"count": 5, "previous.count": 0})
    assert book.rules["default/r1"].holds({"count": 5, "previous.count": 10**12})


def test_a_rule_that_cannot_be_compiled_by_a_fault_of_ours_is_reported_and_stops_no_other() -> None:
    unwritable = a_rule(id="r2", group_by=("attributes.\ud800",))
    book = compile_rules([unwritable, a_rule()])
    assert list(book.rules) == ["default/r1"]
    assert "UnicodeEncodeError" in book.errors["default/r2"]


class _Broken(CompiledRule):
    """A rule with a fault of ours."""

    __slots__ = ()

    def holds(self, view: object) -> bool:  # noqa: ARG002
        raise ZeroDivisionError


def become(pipeline: Pipeline, kind: type[CompiledRule]) -> None:
    """Let the first rule be broken, or no more."""
    object.__setattr__(pipeline.book.rules["default/r1"], "__class__", kind)


def run(pipeline: Pipeline, first: int, last: int) -> None:
    """Let seconds pass."""
    for second in range(first, last):
        pipeline.tick(NOON + second * SECOND)


def an_alert_of_a_broken_rule(window: Window, resolve_after: int = 10 * SECOND) -> Pipeline:
    """Return a pipeline whose first rule fails since ten seconds, and had fired before."""
    rule = a_rule(threshold=0, window=window, resolve_after=resolve_after)
    pipeline = Pipeline(rule, a_rule(id="r2", threshold=5, window=window))
    pipeline.post(an_error(NOON))
    run(pipeline, 0, 20)
    become(pipeline, _Broken)
    return pipeline


@pytest.mark.parametrize("window", WINDOWS)
def test_an_alert_goes_on_while_its_rule_is_left_out_and_no_other_rule_is_stopped(
    window: Window,
) -> None:
    pipeline = an_alert_of_a_broken_rule(window)
    pipeline.post(*[an_error(NOON + 20 * SECOND)] * 7)
    run(pipeline, 20, 400)
    told = [(a.rule.id, a.status) for a in pipeline.alerts if a.status != "updated"]
    assert told == [("r1", "firing"), ("r2", "firing"), ("r2", "resolved")]
    pipeline.change(*(each.rule for key, each in pipeline.book.rules.items() if key[-1] == "2"))
    over = pipeline.alerts[-1]
    assert (over.status, over.reason) == ("resolved", "the rule was deleted")
    assert over.ends_at == NOON + 399 * SECOND


def test_a_rule_that_fails_first_when_its_alert_would_be_over_ends_none() -> None:
    pipeline = an_alert_of_a_broken_rule(sliding(MINUTE), 5 * SECOND)
    become(pipeline, CompiledRule)
    run(pipeline, 20, 63)
    become(pipeline, _Broken)
    run(pipeline, 63, 70)
    assert [alert.status for alert in pipeline.alerts if alert.status == "resolved"] == []


@pytest.mark.parametrize("how", ["edited", "started again"])
@pytest.mark.parametrize("window", WINDOWS)
def test_what_was_not_judged_says_nothing_when_the_rule_is_well_again(
    window: Window, how: str
) -> None:
    """The alert has the time to be seen to hold that any has after its last window."""
    pipeline = an_alert_of_a_broken_rule(window)
    run(pipeline, 20, 359)
    rules = [each.rule for each in pipeline.book.rules.values()]
    if how == "edited":
        pipeline.change(msgspec.structs.replace(rules[0], revision=2), rules[1])
    else:
        become(pipeline, CompiledRule)
        pipeline.flush()
        pipeline.crash()
    run(pipeline, 359, 500)
    over = pipeline.alerts[-1]
    assert (over.status, over.reason) == ("resolved", "no window held for 10s")
    assert over.ends_at == NOON + 370 * SECOND


def test_an_owner_hears_that_groups_are_let_in_again_though_the_rule_is_left_out() -> None:
    window = tumbling(10 * SECOND, lateness=0)
    pipeline = Pipeline(a_rule(threshold=0, window=window, resolve_after=MINUTE, max_groups=1))
    pipeline.post(an_error(NOON, "pay"), an_error(NOON, "api"))
    become(pipeline, _Broken)
    run(pipeline, 0, 120)
    assert [(alert.status, bool(alert.group)) for alert in pipeline.alerts] == [
        ("firing", True),
        ("firing", False),
        ("resolved", False),
    ]
