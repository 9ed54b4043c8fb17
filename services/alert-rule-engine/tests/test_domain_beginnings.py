"""A rule that is new, or may begin again, judges the window that is open, and none that is over."""

import msgspec.structs
import pytest

from alert_contracts.rules import Rule, RuleType, Window
from alert_rule_engine.testing import NOON, Pipeline, a_rule, an_error, sliding, tumbling

SECOND = 1_000
MINUTE = 60 * SECOND
FIVE = tumbling(5 * MINUTE)


def play(pipeline: Pipeline, first: int, last: int) -> None:
    for second in range(first, last, 4):
        pipeline.tick(NOON + second * SECOND)


def changed(pipeline: Pipeline, rule: Rule, how: str) -> None:
    """Lower the rule's threshold, or let there be another rule."""
    lower = msgspec.structs.replace(rule, threshold=1, revision=2, updated_at=1)
    if how == "edited":
        pipeline.change(lower)
    elif how == "edited while we were away":
        pipeline.flush()
        pipeline.crash(lower)
    else:
        pipeline.change(rule, msgspec.structs.replace(lower, id="r2"))


@pytest.mark.parametrize("how", ["edited", "edited while we were away", "created"])
@pytest.mark.parametrize("kind", [RuleType.EVENT_COUNT, RuleType.LATENCY])
@pytest.mark.parametrize(
    ("window", "second", "fires"),
    [
        (FIVE, 200, True),
        (FIVE, 355, False),
        (sliding(5 * MINUTE), 355, True),
        (sliding(5 * MINUTE), 395, False),
        (Window("hopping", 5 * MINUTE, 100 * SECOND), 255, True),
    ],
)
def test_a_lower_threshold_fires_only_in_a_window_that_is_open(
    window: Window, second: int, kind: RuleType, how: str, *, fires: bool
) -> None:
    """All that holds is a minute old, or more; a sliding window may hold it yet."""
    rule = a_rule(kind, threshold=1e6, window=window)
    pipeline = Pipeline(rule)
    at = NOON + 80 * SECOND
    pipeline.post(*[an_error(at, response_time=9.0) for _ in range(50)])
    play(pipeline, 84, second)
    changed(pipeline, rule, how)
    assert [alert.status for alert in pipeline.alerts] == ["firing"] * fires
