"""A storm is judged by what was stored in between, not by how it ended."""

from engine.storm import LOOK_SECONDS, Look, Storm, look_at

METRICS = """
# HELP tocsin_engine_groups Groups held
tocsin_engine_groups 300000.0
tocsin_engine_alerts_waiting 290000.0
tocsin_engine_flush_seconds_count 7.0
tocsin_engine_flush_seconds_sum 3.5
tocsin_engine_alerts_total{status="firing"} 900.0
tocsin_engine_alerts_total{status="updated"} 100.0
tocsin_engine_alerts_created{status="firing"} 1.7e+09
"""
LAST = Look(1_000, 900, 4, 2.0, 100)


def test_the_metrics_say_how_it_stands() -> None:
    assert look_at(METRICS) == Look(300_000, 290_000, 7, 3.5, 1_000)


def test_a_storm_that_is_stored_as_it_goes_has_no_problems() -> None:
    storm = Storm([Look(0, 0, 0, 0.0, 0), Look(500, 400, 2, 1.0, 50), LAST], 4.0, 100.0)
    assert storm.slowest() == 0.5
    assert storm.problems(1_000) == []


def test_a_flush_that_does_not_end_is_a_problem_before_it_ends() -> None:
    stuck = [Look(0, 0, 3, 1.5, 0)] * 9
    storm = Storm([*stuck, LAST._replace(flushes=3)], 20.0, 100.0)
    assert storm.slowest() == 8 * LOOK_SECONDS
    assert storm.problems(1_000) == ["a flush took 16.0 s"]


def test_what_is_lost_untold_or_too_large_is_a_problem() -> None:
    storm = Storm([LAST._replace(groups=999, told=0)], 4.0, 1_000.0)
    assert storm.problems(1_000) == [
        "999 of 1,000 groups are held",
        "the second stage took 1000 MiB",
        "nothing was told",
    ]
