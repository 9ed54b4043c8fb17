"""One laboratory for all tests of this directory; how many seeds, and how much load."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.lab.bench import Bench

PORT = int(os.environ.get("TOCSIN_FAULTS_PORT") or 28_200)


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Start a laboratory; what it leaves is kept if a test fails, for its logs."""
    chosen = os.environ.get("TOCSIN_FAULTS_STATE")
    directory = Path(chosen or tempfile.mkdtemp(prefix="tocsin-faults-"))
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    made = Bench(directory, port=PORT)
    yield made
    made.close()
    if not request.session.testsfailed:
        shutil.rmtree(directory)
