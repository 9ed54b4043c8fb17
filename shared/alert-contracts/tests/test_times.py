"""One way to write a moment."""

import pytest

from alert_contracts.times import rfc3339


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_769_853_600_001, "2026-01-31T10:00:00.001Z"),
        (1_769_853_600_999, "2026-01-31T10:00:00.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_has_milliseconds_and_its_zone(ms: int, written: str) -> None:
    assert rfc3339(ms) == written


def test_a_moment_beyond_the_calendar_is_an_error() -> None:
    with pytest.raises((ValueError, OverflowError)):
        rfc3339(253_402_300_800_000)
