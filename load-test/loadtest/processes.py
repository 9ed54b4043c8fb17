"""Where the CPU goes: user and system time of each process of the stack, from /proc."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
MARKS = (
    ("api-gateway", "-m api_gateway"),
    ("rule-evaluate", "-m alert_rule_engine evaluate"),
    ("rule-aggregate", "-m alert_rule_engine aggregate"),
    ("alert-manager", "-m alert_manager"),
    ("notification-service", "-m notification_service"),
    ("kafka", "kafka.Kafka"),
    ("sink", "-m sink"),
    ("redis", "redis-server"),
    ("prometheus", "prometheus"),
    ("postgres", "postgres"),
)
"""How a process is known when no supervisor names it: part of its command line."""

Pids = Mapping[str, set[int]]


def find(state: Path | None) -> Pids:
    """Return the pids of each process of the stack with those of its children.

    The supervisor's pid files in `state`/run decide where they are; else command lines do.
    """
    parents = _parents()
    named = _from_pid_files(state) if state is not None else {}
    roots = {name: {pid} for name, pid in named.items()} or _from_command_lines(parents)
    return {name: _with_children(pids, parents) for name, pids in sorted(roots.items())}


Usage = Mapping[str, Mapping[int, float]]


def usage(state: Path | None) -> Usage:
    """Return the CPU seconds that each process of the stack, and we, have used so far, by pid."""
    named = {**find(state), "load-test": {os.getpid()}}
    return {name: {pid: _cpu(pid) for pid in members} for name, members in named.items()}


def cpu_seconds(before: Usage, after: Usage) -> dict[str, float]:
    """Return what each named process has used between the two; one that came later, all it has."""
    return {
        name: sum(used - before.get(name, {}).get(pid, 0.0) for pid, used in members.items())
        for name, members in after.items()
    }


def _from_pid_files(state: Path) -> dict[str, int]:
    found = {}
    for file in (state / "run").glob("*.pid"):
        try:
            pid = int(file.read_text())
        except (OSError, ValueError):
            continue
        if file.stem != "supervisord" and Path(f"/proc/{pid}").exists():
            found[file.stem] = pid
    return found


def _from_command_lines(pids: Iterable[int]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for pid in pids:
        line = _read(f"/proc/{pid}/cmdline").replace("\0", " ")
        name = next((name for name, mark in MARKS if mark in line), None)
        if name is not None and pid != os.getpid():
            found.setdefault(name, set()).add(pid)
    return found


def _parents() -> dict[int, int]:
    """Return each process's parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    return parents


def _with_children(pids: set[int], parents: Mapping[int, int]) -> set[int]:
    members = set(pids)
    while True:
        more = {pid for pid, parent in parents.items() if parent in members} - members
        if not more:
            return members
        members |= more


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; empty when the process is gone."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
