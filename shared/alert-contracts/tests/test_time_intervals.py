"""Moments in intervals, in the words and with the answers of Alertmanager."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts.rules import TimeInterval, TimeRange
from alert_contracts.time_intervals import holds, problems

OFFICE = TimeInterval(times=(TimeRange("09:00", "17:00"),), weekdays=("monday:friday",))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (OFFICE, "2026-01-30T09:00:00", "2026-01-30T17:00:00"),
        (OFFICE, "2026-01-30T16:59:59.999", "2026-01-31T12:00:00"),
        (
            TimeInterval(times=(TimeRange("22:00", "24:00"),)),
            "2026-01-30T23:59",
            "2026-01-31T00:00",
        ),
        (TimeInterval(weekdays=("sunday",)), "2026-02-01T12:00", "2026-02-02T12:00"),
        (TimeInterval(weekdays=("Saturday", "Sunday")), "2026-01-31T12:00", "2026-02-02T12:00"),
        (TimeInterval(weekdays=("sunday:tuesday",)), "2026-02-03T12:00", "2026-02-04T12:00"),
        (TimeInterval(days_of_month=("1:5",)), "2026-02-05T12:00", "2026-02-06T12:00"),
        (TimeInterval(days_of_month=("15",)), "2026-02-15T12:00", "2026-02-16T12:00"),
        (TimeInterval(days_of_month=("-3:-1",)), "2026-02-26T00:00", "2026-02-25T23:59"),
        (TimeInterval(days_of_month=("-1",)), "2028-02-29T12:00", "2028-02-28T12:00"),
        (TimeInterval(days_of_month=("-1",)), "2100-02-28T12:00", "2100-02-27T12:00"),
        (TimeInterval(days_of_month=("25:31",)), "2026-02-28T12:00", "2026-03-01T12:00"),
        (TimeInterval(days_of_month=("-31:-1",)), "2026-02-01T12:00", None),
        (TimeInterval(days_of_month=("1:-1",)), "2026-02-28T12:00", None),
        (TimeInterval(months=("may:august",)), "2026-08-31T12:00", "2026-09-01T12:00"),
        (TimeInterval(months=("1:3", "december")), "2026-12-01T12:00", "2026-04-01T12:00"),
        (TimeInterval(years=("2020:2022", "2026")), "2026-06-01T12:00", "2025-06-01T12:00"),
        (TimeInterval(), "2026-06-01T12:00", None),
    ],
)
def test_all_fields_must_hold_and_of_a_field_any_range(
    interval: TimeInterval, inside: str, outside: str | None
) -> None:
    assert problems([interval]) == []
    assert holds([interval], at(inside))
    assert outside is None or not holds([interval], at(outside))


def test_a_day_beyond_the_end_of_the_month_is_no_day_of_it() -> None:
    assert not holds([TimeInterval(days_of_month=("30:31",))], at("2026-02-28T12:00"))
    assert holds([TimeInterval(days_of_month=("30:31",))], at("2026-01-30T12:00"))


def test_clocks_are_read_where_the_interval_says_with_summer_time() -> None:
    berlin = [TimeInterval(times=(TimeRange("09:00", "10:00"),), location="Europe/Berlin")]
    assert holds(berlin, at("2026-01-30T08:00"))
    assert not holds(berlin, at("2026-07-30T08:00"))
    assert holds(berlin, at("2026-07-30T07:00"))
    assert not holds(berlin, at("2026-01-30T09:00"))


def test_any_interval_of_a_list_will_do_and_without_any_every_moment_does() -> None:
    either = [TimeInterval(years=("2025",)), TimeInterval(years=("2026",))]
    assert holds(either, at("2026-01-01T00:00"))
    assert not holds(either, at("2027-01-01T00:00"))
    assert holds([], at("2027-01-01T00:00"))


@pytest.mark.parametrize(
    ("interval", "path", "reason"),
    [
        (
            TimeInterval(times=(TimeRange("09:00", "9:30"),)),
            ("times", 0),
            "'9:30' is no time of day such as 09:00, or 24:00",
        ),
        (
            TimeInterval(times=(TimeRange("17:00", "09:00"),)),
            ("times", 0),
            "ends at 09:00, not after its start at 17:00",
        ),
        (
            TimeInterval(times=(TimeRange("24:00", "24:00"),)),
            ("times", 0),
            "ends at 24:00, not after its start at 24:00",
        ),
        (
            TimeInterval(weekdays=("monday", "fryday")),
            ("weekdays", 1),
            "'fryday' is no day of the week; did you mean friday?",
        ),
        (TimeInterval(weekdays=("",)), ("weekdays", 0), "'' is no day of the week"),
        (
            TimeInterval(weekdays=("saturday:sunday",)),
            ("weekdays", 0),
            "'saturday:sunday' ends before it begins",
        ),
        (
            TimeInterval(days_of_month=("0",)),
            ("days_of_month", 0),
            "0 is no day of the month: they go from 1 to 31",
        ),
        (
            TimeInterval(days_of_month=("1:-32",)),
            ("days_of_month", 0),
            "32 is no day of the month: they go from 1 to 31",
        ),
        (
            TimeInterval(days_of_month=("first",)),
            ("days_of_month", 0),
            "'first' is no day of the month",
        ),
        (
            TimeInterval(days_of_month=("-3:5",)),
            ("days_of_month", 0),
            "'-3:5' begins from the month's end, so it must end there too",
        ),
        (
            TimeInterval(days_of_month=("-1:-3",)),
            ("days_of_month", 0),
            "'-1:-3' ends before it begins",
        ),
        (
            TimeInterval(days_of_month=("20:-15",)),
            ("days_of_month", 0),
            "'20:-15' ends before it begins",
        ),
        (
            TimeInterval(months=("octobre",)),
            ("months", 0),
            "'octobre' is no month; did you mean october?",
        ),
        (TimeInterval(months=("13",)), ("months", 0), "13 is no month: they go from 1 to 12"),
        (TimeInterval(months=("may:1",)), ("months", 0), "'may:1' ends before it begins"),
        (TimeInterval(years=("26y",)), ("years", 0), "'26y' is no year"),
        (TimeInterval(years=("0",)), ("years", 0), "0 is no year: they go from 1 to 9999"),
        (
            TimeInterval(location="Europe/Berlen"),
            ("location",),
            "'Europe/Berlen' is no time zone; did you mean Europe/Berlin?",
        ),
        (TimeInterval(location="Europe"), ("location",), "'Europe' is no time zone"),
        (TimeInterval(location="/etc/passwd"), ("location",), "'/etc/passwd' is no time zone"),
        (TimeInterval(location="\0"), ("location",), "'\\x00' is no time zone"),
    ],
)
def test_what_is_no_interval_says_where_and_why(
    interval: TimeInterval, path: tuple[str | int, ...], reason: str
) -> None:
    (found,) = problems([TimeInterval(), interval])
    assert found.path == (1, *path)
    assert found.reason.startswith(reason)
    with pytest.raises(ValueError, match=re.escape(reason)):
        holds([interval], 0)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems([TimeInterval(months=("x", "y")), TimeInterval(location="z", years=("w",))])
    assert [each.path for each in found] == [
        (0, "months", 0),
        (0, "months", 1),
        (1, "years", 0),
        (1, "location"),
    ]


ONCE = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(moment=ONCE)
def test_an_interval_and_the_rest_of_the_day_part_every_moment(moment: int) -> None:
    rest = TimeInterval(times=(TimeRange("00:00", "09:00"), TimeRange("17:00", "24:00")))
    within = TimeInterval(times=OFFICE.times)
    assert holds([within], moment) is not holds([rest], moment)


@given(moment=ONCE, day=st.integers(min_value=1, max_value=31))
def test_a_day_from_the_end_is_the_same_day_of_the_month_backwards(moment: int, day: int) -> None:
    date = datetime.fromtimestamp(moment / 1000, UTC)
    first = datetime(date.year + date.month // 12, date.month % 12 + 1, 1, tzinfo=UTC)
    left = (first - date.replace(hour=0, minute=0, second=0, microsecond=0)).days
    assert holds([TimeInterval(days_of_month=(f"-{day}",))], moment) is (left == day)
