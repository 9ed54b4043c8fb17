"""Timestamps: text and numbers become epoch milliseconds, or a reason."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.domain.timestamps import (
    LAST_NUMBER,
    TimestampError,
    from_datetime,
    from_number,
    from_text,
)

NOW_MS = 1_769_853_600_123
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_a_unix_time_is_told_apart_by_size() -> None:
    assert from_number(1_769_853_600) == 1_769_853_600_000
    assert from_number(1_769_853_600.123) == NOW_MS
    assert from_number(NOW_MS) == NOW_MS
    assert from_number(NOW_MS * 1_000 + 999) == NOW_MS
    assert from_number(NOW_MS * 1_000_000 + 999_999) == NOW_MS


@given(ms=st.integers(10**11, LAST_NUMBER - 1))
def test_every_unit_gives_the_same_time(ms: int) -> None:
    assert from_number(ms) == from_number(ms * 1_000) == from_number(ms * 1_000_000) == ms


@pytest.mark.parametrize("number", [-1, -0.5, -(10**30)])
def test_a_time_before_1970_is_refused(number: float) -> None:
    with pytest.raises(TimestampError, match="before 1970"):
        from_number(number)


@pytest.mark.parametrize("number", [9_466_848_000_000_000, 10**13, 10**21, 1e300])
def test_a_number_that_no_unit_fits_is_refused(number: float) -> None:
    with pytest.raises(TimestampError, match="beyond the year 2200"):
        from_number(number)


def test_rfc_3339_is_read_with_any_offset_and_precision() -> None:
    assert from_text("2026-01-31T10:00:00.123Z") == NOW_MS
    assert from_text("2026-01-31t12:00:00.123+02:00") == NOW_MS
    assert from_text("2026-01-31 10:00:00.123456789Z") == NOW_MS


@pytest.mark.parametrize(
    "text", ["", "yesterday", "300000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "1769853600"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(TimestampError, match="RFC 3339"):
        from_text(text)


def test_a_local_time_is_refused_since_it_could_be_any() -> None:
    with pytest.raises(TimestampError, match="no offset"):
        from_text("2026-01-31T10:00:00")


def test_text_before_1970_is_refused() -> None:
    with pytest.raises(TimestampError, match="before 1970"):
        from_text("1969-12-31T23:59:59Z")


@given(moment=st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_milliseconds_are_cut_never_rounded_up(moment: datetime) -> None:
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert from_datetime(moment) == exact
