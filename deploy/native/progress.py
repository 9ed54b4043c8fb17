"""Says what is being done and how long it took."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 58


def say(text: str = "", *, end: str = "\n") -> None:
    """Print at once; when nobody reads any more (`| head`), go on in silence."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show `title` while the body runs, then the seconds that it took."""
    started = time.monotonic()
    if sys.stdout.isatty():
        say(f"  … {title}", end="")
    try:
        yield
    except BaseException:
        _finish("✗", title, started)
        raise
    _finish("✓", title, started)


def _finish(sign: str, title: str, started: float) -> None:
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    say(f"{clear}  {sign} {title:<{WIDTH}} {time.monotonic() - started:6.1f} s")
