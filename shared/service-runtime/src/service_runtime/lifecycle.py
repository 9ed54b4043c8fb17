"""Start, run until told to stop, drain, end: the same for every process."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop

from service_runtime.errors import StartupError
from service_runtime.telemetry import logger

log = logger(__name__)
EXIT_FAILED: Final = 70  # EX_SOFTWARE of sysexits.h
EXIT_STUCK: Final = 75  # EX_TEMPFAIL


def watchdog(seconds: float, what: str) -> threading.Timer:
    """End the process if the returned timer is not cancelled within `seconds`."""

    def end() -> None:
        log.error("process_stuck", what=what, seconds=seconds)
        os._exit(EXIT_STUCK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def run(main: Callable[[asyncio.Event], Awaitable[None]], *, grace: float) -> int:
    """Run `main(stop)` on uvloop; SIGTERM and SIGINT set `stop`; return the exit status.

    `main` drains and returns within `grace` seconds of `stop`, or the process is ended. An
    exception out of `main` is logged and gives status 70, for the supervisor to restart.
    """
    try:
        uvloop.run(_supervised(main, grace))
    except StartupError as exc:
        log.error("cannot_start", reason=str(exc))  # noqa: TRY400 - the sentence suffices
        return EXIT_FAILED
    except Exception:
        log.exception("process_failed")
        return EXIT_FAILED
    return 0


async def _supervised(main: Callable[[asyncio.Event], Awaitable[None]], grace: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    timers: list[threading.Timer] = []

    def on_signal(name: str) -> None:
        if not stop.is_set():
            log.info("stopping", signal=name)
            timers.append(watchdog(grace, "drain after " + name))
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number.name)
    try:
        await main(stop)
    finally:
        for timer in timers:
            timer.cancel()
