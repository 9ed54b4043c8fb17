"""The table of `status`: each process, its state, how long it runs, where, and its memory."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from native.catalog import CATALOG
from native.layout import Layout
from native.progress import say
from native.supervisor import RUNNING, Supervisor

HEADER = ("PROCESS", "STATE", "PID", "UPTIME", "PORT", "MEMORY")
MIB = 1024 * 1024


class Row(NamedTuple):
    name: str
    state: str
    pid: str
    uptime: str
    port: str
    memory: int


def show(layout: Layout) -> bool:
    """Print the table; return whether everything serves."""
    processes = Supervisor(layout).processes()
    children = _children()
    rows = []
    for name in [name for name in CATALOG if name in processes]:
        info, entry = processes[name], CATALOG[name]
        pid = int(info["pid"])
        seconds = int(time.time()) - int(info["start"]) if pid else 0
        port = ", ".join(str(port.number) for port in entry.ports)
        memory = sum(map(_memory, _family(pid, children))) if pid else 0
        state = state_of(str(info["statename"]), ready=bool(pid) and entry.ready())
        rows.append(Row(name, state, str(pid or "-"), duration(seconds), port, memory))
    _print(rows)
    return all(row.state == "ready" for row in rows)


def _print(rows: Sequence[Row]) -> None:
    lines = [HEADER, *((*row[:-1], f"{row.memory / MIB:.0f} MiB") for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    for line in lines:
        say("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)))
    say(f"  {sum(row.memory for row in rows) / MIB:.0f} MiB in all")


def state_of(supervised: str, *, ready: bool) -> str:
    if ready:
        return "ready"
    return "not ready" if supervised in RUNNING else supervised.lower()


def duration(seconds: int) -> str:
    if not seconds:
        return "-"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def _children() -> dict[int, list[int]]:
    """Return the children of every process."""
    found: dict[int, list[int]] = {}
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            with suppress(OSError):
                fields = (directory / "stat").read_text().rpartition(")")[2].split()
                found.setdefault(int(fields[1]), []).append(int(directory.name))
    return found


def _family(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, []):
        yield from _family(child, children)


def _memory(pid: int) -> int:
    """Return a process' own memory in bytes; pages that it shares count in proportion."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError):
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return resident * os.sysconf("SC_PAGE_SIZE")
    return 0
