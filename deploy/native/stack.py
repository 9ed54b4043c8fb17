"""The whole native stack: what it consists of, and how it comes up and goes down."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from native import demo, downloads, infrastructure, prometheus, python_env
from native.catalog import CATALOG
from native.infrastructure import Infrastructure
from native.layout import WIPED, Layout
from native.programs import Program, pid_file
from native.progress import say, step
from native.services import Application
from native.session import Session, await_ready, clear_the_way, shut_down
from native.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that runs, in the order in which it starts."""

    tools: Path
    servers: Infrastructure
    application: Application
    services: list[Program]

    @property
    def programs(self) -> list[Program]:
        return [*self.servers.programs, *self.services]


def prepare(layout: Layout) -> Stack:
    """Install and configure everything; start nothing. What is there already is left alone."""
    infrastructure.install_packages(layout)
    with ThreadPoolExecutor() as pool:
        fetching = pool.submit(downloads.kafka_jars, layout)
        with step("uv and the supervisor"):
            tools = downloads.tools(layout)
        with step("Python packages"):
            environment = python_env.dependencies(layout, tools)
        with step("Kafka's jars, fetched meanwhile"):
            jars = fetching.result()
    with step("The project's own packages"):
        packages = python_env.workspace(layout, tools, environment)
    servers = infrastructure.prepare(layout, jars)
    application = Application(layout, environment=environment, packages=packages, servers=servers)
    application.copy_files()
    scraper = prometheus.program(layout, application.targets())
    return Stack(tools, servers, application, [scraper, *application.programs()])


def up(layout: Layout, *, with_demo: bool) -> None:
    """Bring the stack up (or up to date) and show a first alert."""
    layout.make()
    if not layout.state.is_relative_to(layout.project):
        say(f"  Everything is kept in {layout.state}.")
    clear_the_way(layout, CATALOG)
    stack = prepare(layout)
    session = Session(layout, tools=stack.tools)
    try:
        session.launch(stack.programs)
        session.start(stack.servers.programs)
        stack.servers.postgres.ensure_database()
        with step("Migrations"):
            stack.application.migrate()
        with step("Topics"):
            stack.application.provision()
        session.start(stack.services)
        if with_demo:
            demo.run(demo.addresses(), log=layout.log / "notification-service.log")
    except BaseException:
        session.give_up()
        raise
    demo.show_addresses(demo.PAGES)
    say(f"    {'Logs, and tools for this stack':<32} {layout.log}, {layout.bin}")


def down(layout: Layout, *, wipe: bool) -> None:
    """Stop everything; `wipe` also removes data, passwords and logs, but not the downloads."""
    with step("Stopping the stack"):
        stopped = shut_down(layout)
    if not stopped:
        say("  Nothing was running.")
    if wipe:
        with step(f"Wiping {layout.state} (the downloads stay)"):
            for name in WIPED:
                shutil.rmtree(layout.state / name, ignore_errors=True)


def restart(layout: Layout, names: Sequence[str]) -> None:
    """Restart some programs, or all, and wait until they serve."""
    supervisor = Supervisor(layout)
    known = supervisor.processes()
    wanted = [name for name in CATALOG if name in known and (name in names or not names)]
    with step("Stopping"):
        supervisor.stop(list(reversed(wanted)))
    for name in wanted:
        pid_file(layout, name).unlink(missing_ok=True)  # or it would wait, as after a crash
        supervisor.start(name)
        await_ready(layout, name)
