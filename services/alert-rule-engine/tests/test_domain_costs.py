"""Sampling what a spec costs takes what is there and makes nothing anew."""

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule
from alert_rule_engine.domain.asks import sift_of
from alert_rule_engine.domain.batches import Batch
from alert_rule_engine.domain.costs import Costs
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of


class Seconds:
    """A timer that moves on whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def sampled(times: int, rules: list[Rule], *batch: Event) -> Costs:
    sets, costs = RuleSets(), Costs(Seconds())
    sets.follow(book_of(*rules))
    mine = sets.of("default")
    decoded: Batch = mine.decode(encode_batch(batch), NOON)
    mine.evaluate(decoded)
    for _ in range(times):
        costs.spend(1_000.0)
        costs.sample(mine, decoded)
    return costs


def test_a_sample_generates_no_code() -> None:
    rules = [a_rule(id=f"r{n}", match=f'message != "sampled {n}"') for n in range(5)]
    before = sift_of.cache_info().misses
    costs = sampled(10, rules, an_error())
    assert sift_of.cache_info().misses <= before + 1
    assert set(costs.shares().values()) == {0.2}


def test_a_sample_finds_steps_for_its_macros() -> None:
    greedy = a_rule(match="attributes.l.all(x, x == 0)")
    batch = [an_error(attributes={"l": [0] * 900}) for _ in range(300)]
    assert len(sampled(3, [greedy], *batch).shares()) == 1
