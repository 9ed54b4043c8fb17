"""How long groups are remembered: as long as their silence takes to be told."""

import pytest

from alert_contracts.forgetting import least_forget, usual_forget
from alert_contracts.rules import TimeInterval, TimeRange, Window

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("window", "hold", "least", "usual"),
    [
        (Window(), 0, 10 * MINUTE + 30_000, DAY),
        (Window("sliding", HOUR, MINUTE, 0), 0, 61 * MINUTE, DAY),
        (Window("sliding", HOUR, MINUTE, 0), 90_000, 63 * MINUTE, DAY),
        (Window("tumbling", 8 * HOUR, 8 * HOUR, 0), 0, 16 * HOUR, DAY),
        (Window("tumbling", 8 * HOUR, 8 * HOUR, 1), 0, 16 * HOUR + 1, 2 * DAY),
        (Window("tumbling", DAY, DAY, HOUR), 0, 2 * DAY + HOUR, 4 * DAY),
        (Window(), 7 * DAY, 7 * DAY + 10 * MINUTE + 30_000, 8 * DAY),
    ],
)
def test_a_group_is_remembered_until_a_silence_from_the_start_of_a_window_on_is_told(
    window: Window, hold: int, least: int, usual: int
) -> None:
    assert (least_forget(window, hold), usual_forget(window, hold, ())) == (least, usual)


@pytest.mark.parametrize(
    ("active", "days"),
    [
        (TimeInterval(times=(TimeRange("08:00", "18:00"),)), 1),
        (TimeInterval(times=(TimeRange("12:00", "12:01"),)), 2),
        (TimeInterval(times=(TimeRange("08:00", "18:00"),), weekdays=("monday:friday",)), 3),
        (TimeInterval(weekdays=("sunday",), location="Australia/Sydney"), 7),
        (TimeInterval(months=("december",), days_of_month=("24",), years=("2030",)), 1),
    ],
)
def test_who_falls_silent_while_no_alert_may_begin_is_remembered_until_one_may(
    active: TimeInterval, days: int
) -> None:
    assert usual_forget(Window(), 0, (active,)) == days * DAY
