"""Under whatever a seed brings, the engine says what the oracle says."""

import pytest
from simulation.trial import simulate

SEEDS = (300, 301, 303)
"""Rules of any sort, those that the oracle knows, and those with others that are edited. `just
simulate` tries as many others as one likes."""
EDITED = 302
"""Rules of any sort, which are edited, too."""


def test_without_faults_the_engine_says_what_the_oracle_says() -> None:
    verdict, faults = simulate(1, faults=False)
    assert (verdict.differences, faults) == ([], [])
    assert verdict.alone > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_change_nothing_that_is_said(seed: int) -> None:
    verdict, faults = simulate(seed)
    assert verdict.differences == [], (seed, faults)


def test_rules_that_are_edited_while_workers_die_end_what_they_told() -> None:
    """And a seed makes the same run again."""
    verdict, faults = simulate(EDITED)
    assert verdict.differences == [], faults
    assert simulate(EDITED) == (verdict, faults)
