"""Start scripts: what they hand over, and how they wait after an early death."""

import subprocess
import time
from dataclasses import replace

import pytest
from native import programs
from native.layout import Layout
from native.programs import Program, write


@pytest.fixture
def program(layout: Layout) -> Program:
    return Program(
        name="echo",
        command=("/bin/sh", "-c", 'echo "$GREETING in $PWD as $$"'),
        directory=layout.data("echo"),
        environment={"GREETING": 'it\'s $HOME; "quoted" 100%'},
    )


def test_a_script_hands_over_its_environment_to_the_letter(
    layout: Layout, program: Program
) -> None:
    write(layout, program)
    printed = start(layout, program)
    pid = programs.pid_file(layout, program.name).read_text().strip()
    assert printed == f'it\'s $HOME; "quoted" 100% in {program.directory} as {pid}\n'


def test_a_program_is_to_be_restarted_when_what_it_was_started_with_has_changed(
    layout: Layout, program: Program
) -> None:
    assert write(layout, program)
    start(layout, program)
    assert not write(layout, program)
    assert write(layout, replace(program, content="new configuration"))


def test_what_died_young_waits_before_it_starts_again(layout: Layout, program: Program) -> None:
    write(layout, program)
    start(layout, program)
    began = time.monotonic()
    start(layout, program)
    assert time.monotonic() - began > programs.BACK_OFF_SECONDS - 0.5


def test_the_supervisor_restarts_for_ever_and_rotates_logs(
    layout: Layout, program: Program
) -> None:
    text = programs.write_supervisor(layout, [program]).read_text()
    section = text.partition("[program:echo]")[2]
    for line in ("autorestart=true", "startsecs=0", "stdout_logfile_maxbytes=20MB"):
        assert line in section


def start(layout: Layout, program: Program) -> str:
    script = layout.state / "programs" / program.name
    return subprocess.run([script], check=True, capture_output=True, text=True).stdout
