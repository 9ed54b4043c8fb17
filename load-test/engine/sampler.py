"""Runs a stage of the engine and samples what it spends its CPU on.

`python -m engine.sampler evaluate|aggregate`, started by `engine.profiler`. Each millisecond of CPU
a signal interrupts the main thread; the CPU that every thread has used since then is put down to
the stack it stands in. SIGUSR1 forgets all; at the end the stacks go to $TOCSIN_PROFILE.
"""

import atexit
import json
import os
import runpy
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

INTERVAL_S = 0.001
DEPTH = 40
Place = tuple[str, str, int]
"""File, function, line."""


class Sampler:
    """Stacks, innermost first, and the CPU seconds that were spent in each."""

    def __init__(self) -> None:
        self.spent: Counter[tuple[Place, ...]] = Counter()
        self._used: dict[int, float] = {}

    def start(self) -> None:
        """Sample from now on, and write at the end."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._forget)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
        atexit.register(self._write)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see all threads
        main = threading.main_thread().ident
        for thread, standing in frames.items():
            used = _thread_cpu(thread)
            spent = used - self._used.get(thread, 0.0)
            self._used[thread] = used
            if spent > 0:
                self.spent[_stack(frame if thread == main else standing)] += spent  # type: ignore[assignment]

    def _forget(self, *_signal: Any) -> None:  # noqa: ANN401
        self.spent.clear()

    def _write(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = [{"stack": stack, "seconds": spent} for stack, spent in self.spent.items()]
        Path(os.environ["TOCSIN_PROFILE"]).write_text(json.dumps(found))


def _thread_cpu(thread: int) -> float:
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except OSError:  # it has just ended
        return 0.0


def _stack(frame: FrameType | None) -> tuple[Place, ...]:
    places: list[Place] = []
    while frame is not None and len(places) < DEPTH:
        places.append((frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    return tuple(places)


if __name__ == "__main__":
    Sampler().start()
    sys.argv = ["alert_rule_engine", *sys.argv[1:]]
    runpy.run_module("alert_rule_engine", run_name="__main__", alter_sys=True)
