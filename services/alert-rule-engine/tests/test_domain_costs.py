"""What a spec costs is told by the time that it takes, and to find out takes hardly any."""

from collections import defaultdict
from collections.abc import Sequence

import pytest

from alert_contracts.events import Event, encode_batch
from alert_contracts.rules import Rule
from alert_rule_engine.domain.asks import sift_of
from alert_rule_engine.domain.costs import HORIZON, Costs
from alert_rule_engine.domain.evaluators import SpecEvaluator
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.domain.sieves import MANY
from alert_rule_engine.domain.specs import PaneSpec, match_of
from alert_rule_engine.domain.tallies import Tallies
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of

MICRO = 1e-6


class Clock:
    """A timer that moves on as evaluators work."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Laborious(SpecEvaluator):
    """Takes as many microseconds for each event that it counts as its match names."""

    __slots__ = ("clock", "micros", "taken")

    def __init__(self, spec: PaneSpec, clock: Clock) -> None:
        super().__init__(spec, match_of(spec.match, spec.tenant))
        self.clock = clock
        self.micros = int(spec.match.split("micros-")[1].split('"')[0])
        self.taken = 0.0

    def collect(self, events: Sequence[Event], tallies: Tallies) -> None:
        takes = self.micros * MICRO * len(events)
        self.clock.now += takes
        self.taken += takes
        super().collect(events, tallies)


class Bench:
    """Evaluates batches by some rules, and samples what they cost."""

    def __init__(self, *rules: Rule) -> None:
        self.clock = Clock()
        self.made: dict[int, Laborious] = {}
        self.sets = RuleSets(self._make)
        self.costs = Costs(self.clock)
        self.sets.follow(book_of(*rules))
        self.spent = 0.0
        """On evaluating."""
        self.real: dict[int, float] = defaultdict(float)
        """What each spec took of it."""

    def _make(self, spec: PaneSpec) -> SpecEvaluator:
        made = Laborious(spec, self.clock)
        self.made[made.micros] = made
        return made

    def take(self, *events: Event, tenant: str = "default", rest: float = 0.0) -> None:
        """Evaluate a batch; `rest`: seconds that it takes beside what the rules take."""
        rules = self.sets.of(tenant)
        batch = rules.decode(encode_batch(events), NOON)
        begun = self.clock.now
        before = {micros: each.taken for micros, each in self.made.items()}
        rules.evaluate(batch)
        self.clock.now += rest
        seconds = self.clock.now - begun
        self.spent += seconds
        for micros, each in self.made.items():
            self.real[micros] += each.taken - before[micros]
        self.costs.sample(rules, batch, seconds)

    def shares(self) -> dict[int, float]:
        """Return the shares that are told, by what an event takes."""
        told = self.costs.shares()
        return {micros: told.get(each.spec.id, 0.0) for micros, each in self.made.items()}

    def true_shares(self) -> dict[int, float]:
        return {micros: self.real[micros] / self.spent for micros in self.made}


def laborious(micros: int, tenant: str = "default", *, level: str = "ERROR") -> Rule:
    """Return a rule that takes so many microseconds for each event of a level."""
    name = f"micros-{micros}"
    return a_rule(id=name, tenant=tenant, match=f'level == "{level}" && message != "{name}"')


MIXES = [(400, 0), (0, 1), (1, 1), (10, 1), (100, 1), (300, 1), (1, 10)]


@pytest.mark.parametrize(("tiny", "large"), MIXES)
def test_shares_are_those_of_the_time_whatever_the_mix_of_batches(tiny: int, large: int) -> None:
    bench = Bench(laborious(9_000), laborious(1_000, level="DEBUG"))
    for _ in range(5):
        for _ in range(tiny):
            bench.take(an_error(level="DEBUG"), rest=1_000 * MICRO)
        for _ in range(large):
            bench.take(*[an_error()] * 1_000, rest=1.0)
    assert bench.shares() == pytest.approx(bench.true_shares(), abs=0.02)


def test_batches_of_one_size_that_differ_are_sampled_by_what_they_take() -> None:
    bench = Bench(laborious(900), laborious(100, level="DEBUG"))
    for _ in range(500):
        for _ in range(9):
            bench.take(*[an_error(level="DEBUG")] * 8, rest=100 * MICRO)
        bench.take(*[an_error()] * 8, rest=100 * MICRO)
    assert bench.shares() == pytest.approx(bench.true_shares(), abs=0.15)


def test_time_that_no_rule_takes_is_told_of_none() -> None:
    bench = Bench(laborious(3), laborious(1))
    for _ in range(200):
        bench.take(*[an_error()] * 500, rest=0.008)
    assert bench.shares() == pytest.approx({3: 0.15, 1: 0.05}, abs=0.01)


def test_rules_of_all_tenants_share_the_time() -> None:
    bench = Bench(laborious(30, "a"), laborious(10, "b"), laborious(20, "b"))
    for _ in range(400):
        bench.take(*[an_error()] * 100, tenant="a")
        bench.take(*[an_error()] * 100, tenant="b")
    assert bench.shares() == pytest.approx({30: 0.5, 10: 1 / 6, 20: 1 / 3}, abs=0.01)


def test_what_is_busy_now_soon_counts_for_more_than_what_was() -> None:
    bench = Bench(laborious(90_000, "a"), laborious(10_000, "b"))
    while bench.spent < 3 * HORIZON:
        bench.take(*[an_error()] * 10, tenant="a")
    while bench.spent < 9 * HORIZON:
        bench.take(*[an_error()] * 50, tenant="b")
    assert bench.shares()[90_000] < 0.1


def test_who_came_to_rest_for_good_is_forgotten() -> None:
    bench = Bench(laborious(900, "a"), laborious(90_000, "b"))
    bench.take(an_error(), tenant="a")
    assert bench.shares()[900] == pytest.approx(1.0)
    while bench.spent < 9 * HORIZON:
        bench.take(*[an_error()] * 100, tenant="b")
    assert bench.shares()[900] == 0.0


def test_samples_take_less_than_a_hundredth_of_the_time() -> None:
    bench = Bench(laborious(9_000), laborious(1_000))
    for size in (1, 100, 1, 1, 30) * 200:
        bench.take(*[an_error()] * size)
    assert 0.0 < bench.clock.now - bench.spent < 0.01 * bench.spent


def test_samples_that_suddenly_take_longer_soon_take_less_than_a_hundredth_again() -> None:
    bench = Bench(laborious(1), laborious(5_000, level="FATAL"))
    for _ in range(300):
        bench.take(an_error())
    for _ in range(200):
        bench.take(*[an_error(level="FATAL")] * 20)
    assert bench.clock.now - bench.spent < 0.02 * bench.spent
    assert bench.shares()[5_000] > 0.9


def test_a_rule_of_one_service_has_no_part_in_the_events_of_others() -> None:
    mine = a_rule(id="mine", match='service == "cart" && message != "micros-90"')
    bench = Bench(mine, laborious(10))
    for _ in range(200):
        bench.take(*[an_error()] * 100)
    assert bench.shares() == {90: 0.0, 10: pytest.approx(1.0, abs=0.05)}


def test_who_goes_by_keys_costs_no_more_where_there_are_more_events() -> None:
    by_key = a_rule(id="k", match='level != "micros-100"', group_by=("service",))
    bench = Bench(by_key, laborious(10))
    for _ in range(500):
        bench.take(*[an_error()] * 100, rest=0.001)
    assert bench.shares() == pytest.approx({100: 0.05, 10: 0.5})


def test_of_a_batch_that_is_huge_a_part_is_looked_at() -> None:
    bench = Bench(laborious(0), laborious(3))
    for _ in range(5):
        bench.take(*[an_error()] * 2_000, rest=0.006)
    assert bench.shares() == pytest.approx({0: 0.0, 3: 0.5})


def test_shares_are_never_more_than_the_whole() -> None:
    bench = Bench(*[a_rule(id=f"k{n}", match=f'level != "micros-{n}"') for n in range(50, 60)])
    for _ in range(1_000):
        bench.take(an_error(), rest=100 * MICRO)
    assert sum(bench.shares().values()) == pytest.approx(1.0)


def sampled(times: int, rules: list[Rule], *batch: Event, timer: Clock | None = None) -> Costs:
    sets, costs = RuleSets(), Costs(timer or Clock())
    sets.follow(book_of(*rules))
    mine = sets.of("default")
    decoded = mine.decode(encode_batch(batch), NOON)
    mine.evaluate(decoded)
    for _ in range(times):
        costs.sample(mine, decoded, 0.01)
    return costs


def test_a_sample_generates_no_sieve() -> None:
    rules = [a_rule(id=f"r{n}", match=f'message != "sampled {n}"') for n in range(5)]
    before = sift_of.cache_info().misses
    costs = sampled(200, rules, an_error())
    assert sift_of.cache_info().misses <= before + 1
    assert len(costs.shares()) == 5


def test_a_sample_finds_steps_for_its_macros() -> None:
    greedy = a_rule(match="attributes.l.all(x, x == 0)")
    batch = [an_error(attributes={"l": [0] * 900}) for _ in range(30)]
    assert len(sampled(3, [greedy], *batch).shares()) == 1


class Readings(Clock):
    """A timer that moves on whenever it is read."""

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def test_specs_that_are_searched_for_together_share_the_search_evenly() -> None:
    rules = [a_rule(id=f"r{n}", match=f'message.contains("needle {n}")') for n in range(MANY)]
    costs = sampled(20_000, rules, an_error(), timer=Readings())
    parts = list(costs.shares().values())
    assert len(parts) == MANY
    assert parts == pytest.approx([0.1 / MANY] * MANY)


def test_nothing_is_told_of_rules_that_are_gone() -> None:
    bench = Bench(laborious(90), laborious(92), laborious(91, "b"))
    for _ in range(1_000):
        bench.take(an_error())
        bench.take(an_error(), tenant="b")
    kept = bench.made[92].spec.id
    bench.costs.keep({kept: "default"})
    assert bench.costs.shares() == {kept: pytest.approx(92 / (90 + 92))}


def test_what_takes_no_time_has_no_share() -> None:
    bench = Bench(laborious(90))
    bench.take()
    rules = bench.sets.of("default")
    bench.costs.sample(rules, rules.decode(encode_batch([an_error()]), NOON), 0.0)
    assert bench.costs.shares() == {}
