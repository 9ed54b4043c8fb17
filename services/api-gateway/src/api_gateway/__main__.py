"""`python -m api_gateway`: load settings, run the gateway."""

import sys
from functools import partial

from api_gateway.app import serve_gateway
from api_gateway.settings import Settings
from api_gateway.telemetry import SERVICE
from service_runtime.lifecycle import run
from service_runtime.settings import load
from service_runtime.telemetry import announce_build, configure_logging

SWITCH_SECONDS = 0.000_5
"""How long a thread that reads a slow body keeps the event loop waiting; Python's 5 ms add up."""


def share_the_interpreter() -> None:
    """Have threads take turns often, so that a slow body does not hold small requests up."""
    sys.setswitchinterval(SWITCH_SECONDS)


def main() -> int:
    """Run until told to stop; return the exit status."""
    settings = load(Settings)
    configure_logging(SERVICE, settings.log_level)
    announce_build(SERVICE)
    share_the_interpreter()
    return run(partial(serve_gateway, settings), grace=settings.shutdown_grace)


if __name__ == "__main__":
    sys.exit(main())
