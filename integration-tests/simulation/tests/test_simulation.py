"""Under whatever a seed brings, the engine says what the oracle says."""

import random

import pytest
from simulation.trial import simulate

SEEDS = (300, 301, 303)
"""Rules of any sort, those that the oracle knows, and those that are edited."""
FRESH = [random.SystemRandom().randrange(10**6) for _ in range(3)]


def test_without_faults_the_engine_says_what_the_oracle_says() -> None:
    verdict, faults = simulate(1, faults=False)
    assert (verdict.differences, faults) == ([], [])
    assert verdict.alone > 100


@pytest.mark.parametrize("seed", [*SEEDS, *FRESH])
def test_faults_change_nothing_that_is_said(seed: int) -> None:
    verdict, faults = simulate(seed)
    assert verdict.differences == [], (seed, faults)


def test_a_seed_makes_the_same_run_again() -> None:
    assert simulate(302) == simulate(302)
