"""What stage one remembers is bounded for all tenants together, and forgetting changes nothing."""

from alert_contracts.events import Event, encode_batch
from alert_rule_engine.domain.partials import Block
from alert_rule_engine.domain.rulesets import RuleSets
from alert_rule_engine.testing import NOON, a_rule, an_error, book_of

TENANTS = ("default", "acme", "shop")


def evaluated(sets: RuleSets, tenant: str, *batch: Event) -> list[list[Block]]:
    rules = sets.of(tenant)
    return rules.evaluate(rules.decode(encode_batch(batch), NOON + 60_000))


def test_all_tenants_share_one_bound_which_each_next_batch_heeds() -> None:
    book = book_of(*(a_rule(tenant=tenant, group_by=("host",)) for tenant in TENANTS))
    small, large = RuleSets(remembered=30), RuleSets()
    for sets in (small, large):
        sets.follow(book)
    for number in range(60):
        tenant = TENANTS[number % 3]
        batch = [an_error(host=f"{number}/{each}") for each in range(10)]
        assert evaluated(small, tenant, *batch) == evaluated(large, tenant, *batch)
        assert sum(each.places() for each in small.evaluators()) <= 40
    assert sum(each.places() for each in large.evaluators()) == 600


def test_a_plan_made_before_all_was_forgotten_is_made_anew_also_in_a_changed_set() -> None:
    keyed, spread = a_rule(id="a"), a_rule(id="b", tenant="acme", group_by=("host",))
    sets = RuleSets(remembered=5)
    sets.follow(book_of(keyed, spread))
    evaluated(sets, "default", an_error())
    for batch in ([an_error(host=f"h{each}") for each in range(10)], [an_error()]):
        evaluated(sets, "acme", *batch)
    more = a_rule(id="c", match='message.contains("oo")')
    sets.follow(book_of(keyed, spread, more))
    mixed = [an_error(), an_error(status_code=500)]
    found = [block for share in evaluated(sets, "default", *mixed) for block in share]
    assert [block.counts for block in found] == [[2], [2]]
