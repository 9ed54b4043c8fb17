"""When a rule may fire, in the words of an Alertmanager file."""

from typing import Any

import pytest

from alert_contracts.rules import RuleType, TimeInterval, TimeRange
from api_gateway.testing.rules import problems, resolved

OFFICE = {"times": [{"startTime": "09:00", "endTime": "17:00"}], "weekdays": ["monday:friday"]}


def test_a_rule_has_times_in_which_it_may_fire() -> None:
    rule = resolved(
        RuleType.EVENT_COUNT,
        activeTime=[OFFICE, {"days_of_month": ["-1"], "months": [12], "years": [2026]}],
    )
    assert rule.active_time == (
        TimeInterval(times=(TimeRange("09:00", "17:00"),), weekdays=("monday:friday",)),
        TimeInterval(days_of_month=("-1",), months=("12",), years=("2026",)),
    )


def test_one_interval_needs_no_list_and_names_may_be_as_in_an_alertmanager_file() -> None:
    alone = {"times": [{"start_time": "22:00", "end_time": "24:00"}], "location": "Europe/Berlin"}
    assert resolved(RuleType.MATCH, activeTime=alone).active_time == (
        TimeInterval(times=(TimeRange("22:00", "24:00"),), location="Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("given", "pointer", "reason"),
    [
        ([{"weekdays": ["fryday"]}], "/activeTime/0/weekdays/0", "did you mean friday?"),
        ([{}, {"daysOfMonth": ["1", "32"]}], "/activeTime/1/daysOfMonth/1", "32 is no day"),
        ([{"days_of_month": ["x"]}], "/activeTime/0/days_of_month/0", "'x' is no day of the month"),
        ([{"location": "Europe/Berlen"}], "/activeTime/0/location", "did you mean Europe/Berlin?"),
        (
            [{"times": [{"startTime": "10:00", "endTime": "9:00"}]}],
            "/activeTime/0/times/0",
            "'9:00' is no time of day",
        ),
        ([{"weekday": []}], "/activeTime/0/weekday", "did you mean weekdays?"),
        (
            [{"times": [{"startTime": "10:00", "end": "11:00", "endTime": "11:00"}]}],
            "/activeTime/0/times/0/end",
            "did you mean endTime?",
        ),
        ([{"years": [True]}], "/activeTime/0/years/0", "'true' is no year"),
        ([{"years": [1.5]}], "/activeTime/0/years/0", "should be a valid string"),
        ("office", "/activeTime", "should be a valid"),
        ([{}] * 17, "/activeTime", "should have at most 16 items"),
    ],
)
def test_a_time_that_is_none_says_where_and_why(given: Any, pointer: str, reason: str) -> None:  # noqa: ANN401 - any JSON
    (problem,) = problems(RuleType.EVENT_COUNT, activeTime=given)
    assert problem.pointer == pointer
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("interval", "never"),
    [
        ({"months": ["february"], "daysOfMonth": ["30"]}, True),
        ({"months": ["april", "june"], "daysOfMonth": ["31"]}, True),
        ({"months": ["2"], "daysOfMonth": ["-31:-30"], "years": ["2026"]}, True),
        ({"months": ["february"], "daysOfMonth": ["29"]}, False),
        ({"months": ["february"], "daysOfMonth": ["30", "-1"]}, False),
        ({"months": ["february:march"], "daysOfMonth": ["31"]}, False),
        ({"weekdays": ["sunday"], "years": ["2020"]}, False),
    ],
)
def test_a_day_that_none_of_the_months_has_is_refused(
    interval: dict[str, Any], *, never: bool
) -> None:
    found = problems(RuleType.EVENT_COUNT, activeTime=[OFFICE, interval])
    assert [(each.pointer, each.reason) for each in found] == [
        (
            "/activeTime/1/daysOfMonth",
            "none of its months has such a day, so it would never hold",
        )
    ] * never
