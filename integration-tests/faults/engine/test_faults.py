"""Every fault under load: what the engine says afterwards is what the oracle says.

`TOCSIN_FAULT_SEEDS` says how often each fault is tried alone, with a seed of its own each time;
without it some faults come one after the other under one load, which is what CI has the time for.
"""

import os
import random
from collections.abc import Mapping

import pytest
from faults.lab.bench import Bench, say, trial
from faults.lab.harm import Harm, every, some

ALONE = int(os.environ.get("TOCSIN_FAULT_SEEDS") or 0)
RATE = int(os.environ.get("TOCSIN_FAULT_RATE") or (20_000 if ALONE else 4_000))
SEED = int(os.environ.get("TOCSIN_FAULT_SEED") or random.SystemRandom().randrange(10**6))
WARM_S, AFTER_S = 8.0, 4.0


@pytest.mark.skipif(not ALONE, reason="each fault alone takes an hour: just faults")
@pytest.mark.parametrize("number", range(ALONE or 1))
@pytest.mark.parametrize("fault", every())
def test_a_fault_changes_nothing_that_is_said(bench: Bench, fault: str, number: int) -> None:
    run(bench, fault.replace(" ", "-"), {fault: every()[fault]}, seed=SEED + number)


@pytest.mark.skipif(bool(ALONE), reason="each fault is tried alone")
def test_faults_one_after_the_other_change_nothing_that_is_said(bench: Bench) -> None:
    run(bench, "gauntlet", some(random.Random(SEED)), seed=SEED)  # noqa: S311 - nothing secret


def run(bench: Bench, name: str, faults: Mapping[str, Harm], *, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - nothing secret
    say(f"\n{name}: seed {seed}, {RATE} events/s")
    with trial(bench, name, seed=seed, rate=RATE) as running:
        running.start()
        running.steady(WARM_S)
        for fault, harm in faults.items():
            say(f"... {fault}")
            over = harm(bench, draw)
            running.overcome(fault, over)
            bench.calm()
        running.steady(AFTER_S)
        verdict = running.settle()
        for difference in verdict.differences:
            say(difference)
        assert not verdict.differences, verdict.differences[:20]
