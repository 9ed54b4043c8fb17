"""`python -m alert_manager`."""

import sys
from functools import partial

from alert_manager.app import main
from alert_manager.entrypoints.consumer import SERVICE
from alert_manager.settings import Settings
from service_runtime.lifecycle import run
from service_runtime.settings import load
from service_runtime.telemetry import configure_logging

if __name__ == "__main__":
    settings = load(Settings)
    configure_logging(SERVICE, settings.log_level)
    sys.exit(run(partial(main, settings), grace=settings.shutdown_grace))
