"""How a moment is written where people and other programs read it."""

from datetime import UTC, datetime


def rfc3339(ms: int) -> str:
    """Return epoch milliseconds as RFC 3339, in UTC with milliseconds and Z.

    Raises:
        ValueError, OverflowError: the year is not between 1 and 9999.
    """
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
