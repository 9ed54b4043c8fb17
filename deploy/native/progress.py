"""Says what is being done and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 58


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show `title` while the body runs, then the seconds that it took."""
    started = time.monotonic()
    live = sys.stdout.isatty()
    if live:
        print(f"  … {title}", end="", flush=True)
    try:
        yield
    except BaseException:
        print(f"{_clear(live)}  ✗ {title:<{WIDTH}} {time.monotonic() - started:6.1f} s", flush=True)
        raise
    print(f"{_clear(live)}  ✓ {title:<{WIDTH}} {time.monotonic() - started:6.1f} s", flush=True)


def _clear(live: bool) -> str:  # noqa: FBT001
    return "\r\x1b[K" if live else ""
