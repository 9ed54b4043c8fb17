"""`load-test/engine/bench.sh COMMAND`: the engine's benchmarks. `--help` says the rest.

Exit code 0: done, and nothing differs from the oracle. 1: something does. 2: a run failed.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from engine import broker, compare, memory, profiler, storm, verdict
from engine.compare import Bench, Entry
from engine.measure import Task
from engine.rulesets import questions
from engine.sides import FailedError, KafkaStreams, Quix, Side, Tocsin
from engine.workload import PACE, Workload

PORT = 29_592
GUARANTEES = {"exactly-once": "exactly_once_v2", "at-least-once": "at_least_once"}
TEXTBOOK_RULES = 100


def main() -> int:
    """Return the exit code."""
    options = _parser().parse_args()
    if options.command == "verdict":
        found = [each for file in options.files for each in json.loads(file.read_text())]
        return _verdict(compare.from_json(found))
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as made:
        place = options.logs or Path(made)
        place.mkdir(parents=True, exist_ok=True)
        try:
            with broker.running(place, options.port) as kafka:
                bench = Bench(f"127.0.0.1:{options.port}", kafka.pid, place)
                return COMMANDS[options.command](bench, options)
        except (FailedError, broker.NoBrokerError) as exc:
            print(f"The benchmark failed: {exc}", file=sys.stderr)
            return 2


def _compare(bench: Bench, options: argparse.Namespace) -> int:
    entries = _entries(options)
    limit = "limit" in options.sides
    found: list[compare.Round] = []
    for done in compare.rounds(bench, entries, pairs=options.pairs, limit=limit, say=_say):
        found.append(done)
        if options.json is not None:
            options.json.write_text(json.dumps(compare.as_json(found)) + "\n")
    return _verdict(found)


def _verdict(found: list[compare.Round]) -> int:
    print()
    print(verdict.table(found))
    wrong = verdict.void(found)
    print("\n".join(["", *wrong] if wrong else ["", "Oracle difference 0 in every run."]))
    return 1 if wrong else 0


def _entries(options: argparse.Namespace) -> list[Entry]:
    workload = _workload(options)
    guarantee = GUARANTEES[options.guarantee]
    entries = []
    for count in options.rules:
        task = Task.prepare(workload, questions(count))
        _say(f"{count} rules: {len(task.due)} windows must cross, {task.events:,} events")
        sides: dict[str, tuple[str, Side]] = {
            "tocsin": (verdict.TOCSIN, Tocsin(evaluators=options.evaluators)),
            "tuned": (verdict.TUNED, KafkaStreams("tuned", guarantee)),
            "quix": (verdict.QUIX, Quix(options.guarantee)),
            "textbook": (verdict.TEXTBOOK, KafkaStreams("textbook", guarantee)),
        }
        for name, (title, side) in sides.items():
            if name in options.sides and (name != "textbook" or count == TEXTBOOK_RULES):
                entries.append(Entry(verdict.label(title, count), side, task))
    return entries


def _workload(options: argparse.Namespace) -> Workload:
    return Workload(
        seed=options.seed,
        batch=options.batch,
        warm_up=options.warm_up,
        main=options.events,
        pool=options.pool,
        pace=options.pace,
    )


def _memory(bench: Bench, options: argparse.Namespace) -> int:
    held = memory.hold(bench, seed=options.seed, events=options.events)
    print(f"{held.groups:,} groups in {held.panes:,} panes")
    for name, mib in held.resident.items():
        print(f"{name}: {mib:.0f} MiB resident, {held.peak[name]:.0f} MiB at most")
    print(f"restarted aggregate ready after {held.restored:.2f} s: {held.restore_line}")
    print(f"restarted aggregate: {held.restored_resident:.0f} MiB resident")
    print("\n".join(held.problems) or "Oracle difference 0.")
    return 1 if held.problems else 0


def _profile(bench: Bench, options: argparse.Namespace) -> int:
    task = Task.prepare(_workload(options), questions(options.rules[0]))
    found = profiler.profile(bench, task)
    print(profiler.table(found))
    print("\n".join(found.run.problems) or "Oracle difference 0.")
    return 1 if found.run.problems else 0


def _storm(bench: Bench, options: argparse.Namespace) -> int:
    went = storm.storm(bench, groups=options.groups)
    for look in went.looks:
        print(f"{look.groups:,} groups, {look.told:,} told, {look.waiting:,} wait")
    print(f"{went.seconds:.0f} s, flushes of {went.slowest():.1f} s at most, {went.peak:.0f} MiB")
    problems = went.problems(options.groups)
    print("\n".join(problems) or "The state was stored all the while.")
    return 1 if problems else 0


COMMANDS = {"compare": _compare, "memory": _memory, "profile": _profile, "storm": _storm}


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="load-test/engine/bench.sh", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, rules in (
        ("compare", "all sides in turn, and the verdict", [10, 100, 1000]),
        ("memory", "100 000 groups: memory and restore", [5]),
        ("profile", "where each microsecond goes", [10]),
        ("storm", "hundreds of thousands of groups cross at once", [1]),
    ):
        command = commands.add_parser(name, help=text)
        _common(command, rules)
        if name == "compare":
            _of_compare(command)
        if name == "storm":
            command.add_argument("--groups", type=int, default=300_000, help="groups (300000)")
    command = commands.add_parser("verdict", help="the verdict on runs that --json has kept")
    command.add_argument("files", type=Path, nargs="+")
    return parser


def _common(command: argparse.ArgumentParser, rules: list[int]) -> None:
    add = command.add_argument
    add("--rules", type=_numbers, default=rules, help="sizes of rule sets, with commas")
    add("--batch", type=int, default=1000, help="events a record (1000)")
    add("--events", type=int, default=2_400_000, help="events that are measured")
    add("--warm-up", type=int, default=8_000_000, help="events before that: a JVM compiles long")
    add("--pace", type=int, default=PACE, help="events per second of event time")
    add("--pool", type=int, default=200_000, help="distinct events (200000)")
    add("--seed", type=int, default=1)
    add("--port", type=int, default=int(os.environ.get("ENGINE_BENCH_PORT") or PORT))
    add("--logs", type=Path, help="keep logs and state there")


def _of_compare(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--pairs", type=int, default=9, help="rounds; 0: one, cold, to see the alerts (9)")
    add("--sides", type=lambda text: text.split(","), default=["tocsin", "tuned", "textbook",
        "limit"], help="of tocsin, tuned, textbook, quix, limit, with commas")  # fmt: skip
    add("--guarantee", choices=GUARANTEES, default="exactly-once", help="of the peers")
    add("--evaluators", type=int, default=1, help="processes of our first stage (1)")
    add("--json", type=Path, help="keep every run there")


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
