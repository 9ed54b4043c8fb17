"""What contracts promise beyond their shape."""

import pytest

from alert_contracts.events import Event, is_error
from alert_contracts.rule_status import RuleStatus, status_key
from alert_contracts.rules import DEFAULTS, RuleType, Window, rule_key
from alert_contracts.topics import TOPICS, Topic, dead_letter_topic


@pytest.mark.parametrize(
    ("status", "level", "expected"),
    [
        (500, "INFO", True),
        (499, "ERROR", False),
        (None, "ERROR", True),
        (None, "FATAL", True),
        (None, "WARN", False),
        (None, "", False),
    ],
)
def test_a_status_decides_what_is_an_error_and_the_level_where_there_is_none(
    status: int | None, level: str, *, expected: bool
) -> None:
    event = Event(timestamp=0, service="s", message="m", level=level, status_code=status)
    assert is_error(event) is expected


@pytest.mark.parametrize(("size", "step"), [(0, 0), (10, 0), (10, 11), (-1, -1)])
def test_a_window_that_makes_no_sense_cannot_be_built(size: int, step: int) -> None:
    with pytest.raises(ValueError, match="steps forward"):
        Window(size=size, step=step)


def test_every_type_has_defaults() -> None:
    assert set(DEFAULTS) == set(RuleType)


def test_every_topic_is_provisioned_and_what_is_consumed_has_a_dead_letter_topic() -> None:
    names = [spec.name for spec in TOPICS]
    assert len(names) == len(set(names))
    assert set(Topic) <= set(names)
    assert dead_letter_topic(Topic.LOG_EVENTS) in names


def test_a_rule_is_keyed_by_tenant_and_id() -> None:
    assert rule_key(tenant="t", rule_id="r") == b"t/r"


def test_a_status_is_keyed_by_who_tells_it_of_which_rule() -> None:
    told = RuleStatus("t", "r", revision=1, stage="aggregate", share="3", at=0)
    assert status_key(told) == b"aggregate/3/t/r"
