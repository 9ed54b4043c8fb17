"""Without any fault: the engine says what the oracle says."""

import os

import pytest
from faults.lab.bench import Bench, say, trial

STEADY_S = 90.0
"""Each service misbehaves in each way in one period of eight."""


@pytest.mark.skipif(
    not os.environ.get("TOCSIN_FAULT_SEEDS"),
    reason="part of what CI does under faults: just faults",
)
def test_the_engine_says_what_the_oracle_says(bench: Bench) -> None:
    with trial(bench, "calm", seed=7, rate=5_000) as running:
        running.start()
        running.steady(STEADY_S)
        verdict = running.settle()
        assert not verdict.differences, verdict.differences[:20]
        assert {rule.id for rule in running.rules} == set(+verdict.known)
        for rule, strain in running.strain().items():
            say(f"{rule}: {strain}")
            assert min(strain.repeated, strain.overtaken, strain.late), rule
