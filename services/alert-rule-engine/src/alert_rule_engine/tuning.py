"""What the interpreter is told at the start, so that a full topic costs it less."""

import ctypes
import gc
from typing import Final

_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_MEBIBYTE: Final = 1_048_576
KEPT_BYTES: Final = 16 * _MEBIBYTE
LARGE_BYTES: Final = 8 * _MEBIBYTE


def spare_the_collector() -> None:
    """Let the garbage collector pass over what was built at the start, and look less often.

    Batches are a thousand small objects that live for a moment and hold no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def keep_the_heap() -> None:
    """Let glibc keep what it frees, up to a bound; without glibc, do nothing.

    Each record is unpacked into a few hundred KiB. By default that is fresh memory of the kernel's
    each time, which it has to clear: unpacking takes 0.34 ms instead of 0.18.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
