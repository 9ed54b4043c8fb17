"""One run of `up`: starts programs in order, and takes back what it started when it fails."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from native import programs, variables
from native.catalog import CATALOG
from native.errors import SetupError
from native.layout import Layout
from native.ports import require_free
from native.probes import wait_until
from native.programs import Program
from native.progress import say, step
from native.supervisor import Supervisor, end_orphans, orphans

READY_SECONDS = 90.0
LIVES = 3
SHOWN = 300  # characters of a log line


class Session:
    """The programs of this run and the supervisor that keeps them."""

    def __init__(self, layout: Layout, *, tools: Path) -> None:
        self._layout = layout
        self._tools = tools
        self._supervisor = Supervisor(layout)
        self._was_up = self._supervisor.up()

    def launch(self, wanted: Sequence[Program]) -> None:
        """Write the configuration and start the supervisor; no program yet."""
        running = self._supervisor.running()
        self._changed = {p.name for p in wanted if programs.write(self._layout, p)} & running
        configuration = programs.write_supervisor(self._layout, list(wanted))
        self._supervisor.launch(self._tools, configuration)
        variables.keep(self._layout)

    def start(self, group: Sequence[Program]) -> None:
        """Start (or, when their content changed, restart) programs and wait until they serve."""
        running = self._supervisor.running()
        for program in group:
            if program.name in self._changed:
                self._supervisor.stop([program.name])
            if program.name in self._changed or program.name not in running:
                programs.pid_file(self._layout, program.name).unlink(missing_ok=True)
                self._supervisor.start(program.name)
        for program in group:
            await_ready(self._layout, program.name)

    def give_up(self) -> None:
        """Stop the stack again if this run started it."""
        if self._was_up:
            say("The stack was up before and is left running; `./setup.sh status` shows it.")
        elif self._supervisor.up():
            with step("Stopping what was started"):
                shut_down(self._layout)


def clear_the_way(layout: Layout, names: Iterable[str]) -> None:
    """End what a dead supervisor left behind, and see that the ports can be had.

    Raises:
        SetupError: a port is taken by something else.
    """
    supervisor = Supervisor(layout)
    if not supervisor.up() and orphans(layout):
        with step("Ending what a dead supervisor left behind"):
            end_orphans(layout)
    running = supervisor.running()
    for port in [port for name in names if name not in running for port in CATALOG[name].ports]:
        require_free(port)


def await_ready(layout: Layout, name: str) -> None:
    """Wait until a program serves.

    Raises:
        SetupError: it did not in time, or died again and again.
    """
    log = layout.log / f"{name}.log"
    supervisor = Supervisor(layout)
    lives: set[int] = set()

    def ready() -> bool:
        lives.add(int(supervisor.processes()[name]["start"]))
        if len(lives) > LIVES:
            sentence = f"{name} dies as soon as it is started: {_last_line(log)}"
            raise SetupError(sentence, log=log)
        return CATALOG[name].ready()

    with step(f"{name} is ready"):
        wait_until(ready, seconds=READY_SECONDS, failure=f"{name} was not ready", log=log)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    last = next((line for line in reversed(lines) if line.strip()), "it says nothing")
    return last if len(last) <= SHOWN else f"{last[:SHOWN]} ..."


def shut_down(layout: Layout) -> bool:
    """Stop every program, then the supervisor; return whether there was anything to stop."""
    supervisor = Supervisor(layout)
    left = False
    if supervisor.up():
        left = True
        running = supervisor.running()
        supervisor.stop([name for name in reversed(CATALOG) if name in running])
        supervisor.shut_down()
    if orphans(layout):
        left = True
        end_orphans(layout)
    variables.forget(layout)
    return left
