"""The wall clock, as every service reads it. Domains get it as an argument."""

import time


def now_ms() -> int:
    """Return epoch milliseconds."""
    return time.time_ns() // 1_000_000
