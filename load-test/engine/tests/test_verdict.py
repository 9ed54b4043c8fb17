"""The table takes ratios within a round, and a difference from the oracle is never hidden."""

from engine import compare, verdict
from engine.compare import LIMIT, Round, line
from engine.measure import Run

TEN, TUNED_TEN = verdict.label(verdict.TOCSIN, 10), verdict.label(verdict.TUNED, 10)


def run(side: str, us: float, *, problems: tuple[str, ...] = ()) -> Run:
    cpu = {"one": us / 2, "two": us / 2}
    return Run(side, 1_000_000, 2.0, cpu, 0.5, {"one": 100.0}, problems)


def a_round(ours: float, theirs: float) -> Round:
    return {
        TEN: run(TEN, ours),
        TUNED_TEN: run(TUNED_TEN, theirs),
        LIMIT: run(LIMIT, ours / 4),
    }


ROUNDS = [a_round(1.0, 2.0), a_round(3.0, 4.0), a_round(1.5, 1.0)]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    shown = verdict.table(ROUNDS)
    row = (
        "| CPU against tuned Kafka Streams, 10 rules | times 0.75 (0.50 to 1.50) | ≤ 1.00 | holds |"
    )
    assert row in shown
    assert "| consume + decode CPU against ours, 10 rules | times 0.25" in shown
    assert "| events/s on these cores, 10 rules | 500,000 (500,000 to 500,000) |" in shown


def test_what_was_not_run_is_not_judged() -> None:
    assert "1 000 rules" not in verdict.table(ROUNDS)


def test_a_difference_from_the_oracle_is_told_with_the_run() -> None:
    bad = run(TEN, 1.0, problems=("missing: x",))
    assert verdict.void([{TEN: bad}]) == [f"{TEN}: missing: x"]
    assert verdict.table([{TEN: bad}]).count(TEN) == 0
    assert "VOID: missing: x" in line(TEN, bad)
    assert "oracle difference 0" in line(TEN, run(TEN, 1.0))


def test_rounds_survive_their_file() -> None:
    read = compare.from_json(compare.as_json(ROUNDS))
    assert verdict.table(read) == verdict.table(ROUNDS)
