"""Try seeds, one after the other; say what the oracle says of each, and end with 1 if anything."""

import argparse
import sys
import time
from typing import Final

from simulation.trial import simulate

SHOWN: Final = 10


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--verbose", action="store_true", help="tell the faults of each, too")
    arguments = parser.parse_args()
    wrong = [
        seed
        for seed in range(arguments.first, arguments.first + arguments.seeds)
        if _tried(seed, verbose=arguments.verbose)
    ]
    print(f"{arguments.seeds} seeds, wrong: {wrong or 'none'}")  # noqa: T201 - to be read
    return bool(wrong)


def _tried(seed: int, *, verbose: bool) -> list[str]:
    began = time.process_time()
    verdict, harm = simulate(seed)
    seconds = time.process_time() - began
    wrong = len(verdict.differences)
    told = f"{len(harm)} faults, {verdict.alerts} alerts, {verdict.repeats} records told twice"
    lines = [
        f"seed {seed}: {told}, {wrong} differences, {seconds:.1f} s",
        *(harm if verbose or verdict.differences else ()),
        *verdict.differences[:SHOWN],
    ]
    print("\n    ".join(lines), flush=True)  # noqa: T201 - to be read
    return verdict.differences


sys.exit(main())
