"""Processes that outlived their supervisor are found and ended; others are not touched."""

import subprocess
from collections.abc import Iterator

import pytest
from native.layout import Layout
from native.supervisor import Supervisor, end_orphans, orphans


@pytest.fixture
def sleeper(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"], cwd=layout.data("kafka")) as process:
        (layout.state / "run/kafka.pid").write_text(f"{process.pid}\n")
        yield process
        process.kill()


def test_an_orphan_is_found_by_its_pid_file_and_ended(
    layout: Layout, sleeper: subprocess.Popen[bytes]
) -> None:
    assert orphans(layout) == {"kafka": sleeper.pid}
    end_orphans(layout)
    assert sleeper.wait(timeout=5) != 0
    assert orphans(layout) == {}


def test_a_pid_that_now_belongs_to_something_else_is_left_alone(layout: Layout) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/") as stranger:
        (layout.state / "run/redis.pid").write_text(f"{stranger.pid}\n")
        assert orphans(layout) == {}
        end_orphans(layout)
        assert stranger.poll() is None
        stranger.kill()


def test_without_a_socket_no_supervisor_is_up(layout: Layout) -> None:
    supervisor = Supervisor(layout)
    assert not supervisor.up()
    assert supervisor.running() == set()
