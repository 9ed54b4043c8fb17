"""How a rule fares: shares added up, stale ones dropped, tenants apart, memory bounded."""

from typing import Any

import pytest

from alert_contracts.rule_status import STALE_MS, RuleStatus
from api_gateway.domain.rule_health import (
    AT_ONCE,
    ERROR_MS,
    MAX_SHARES_OF_RULE,
    Fare,
    Shares,
    fare,
)

NOW = 1_800_000_000_000


def told(**changes: Any) -> RuleStatus:  # noqa: ANN401 - any member
    """Return what a state partition tells of a rule."""
    members = {
        "tenant": "default",
        "rule_id": "r",
        "revision": 3,
        "stage": "aggregate",
        "share": "0",
        "at": NOW - 1_000,
        **changes,
    }
    return RuleStatus(**members)


def faring(*shares: RuleStatus, enabled: bool = True) -> Fare:
    """Return how revision 3 fares."""
    return fare(shares, revision=3, enabled=enabled, now=NOW)


def test_the_shares_of_partitions_add_up() -> None:
    first = told(matched=10, groups=2, state_bytes=500, firing=1, late=1, evaluated_at=NOW - 9)
    second = told(share="1", matched=5, groups=1, state_bytes=70, surplus=4, evaluated_at=NOW - 5)
    whole = faring(first, second)
    assert (whole.events_matched, whole.groups, whole.state_bytes) == (15, 3, 570)
    assert (whole.firing, whole.late, whole.surplus) == (1, 1, 4)
    assert (whole.health, whole.last_evaluation) == ("ok", NOW - 9)


def test_the_share_of_evaluation_is_the_mean_of_the_workers() -> None:
    workers = [
        told(stage="evaluate", share="a", cpu_share=0.2, matched=99),
        told(stage="evaluate", share="b", cpu_share=0.1),
    ]
    whole = faring(told(matched=1), *workers)
    assert (whole.cpu_share, whole.events_matched) == (0.15, 1)


def test_a_share_that_was_not_told_again_is_dropped() -> None:
    stale = told(share="1", matched=7, at=NOW - STALE_MS)
    assert faring(told(matched=1), stale).events_matched == 1
    assert faring(stale) == Fare("unknown")


def test_the_newest_error_of_the_revision_is_told() -> None:
    whole = faring(
        told(last_error="old", last_error_at=NOW - 90),
        told(stage="evaluate", share="a", last_error="new", last_error_at=NOW - 50),
        told(share="2"),
    )
    assert (whole.health, whole.last_error, whole.last_error_at) == ("error", "new", NOW - 50)


def test_an_error_of_an_older_revision_says_nothing_of_this_one() -> None:
    whole = faring(told(revision=2, last_error="x", last_error_at=5), told(share="1"))
    assert (whole.health, whole.last_error) == ("ok", "")
    assert faring(told(revision=2)).health == "unknown"


def test_a_revision_is_live_when_no_worker_of_either_stage_is_behind() -> None:
    counting, evaluating = told(), told(stage="evaluate", share="a")
    assert faring(counting).live_revision == faring(evaluating).live_revision == 0
    assert faring(counting, evaluating).live_revision == 3
    assert faring(counting, evaluating, told(share="1", revision=2)).live_revision == 2


def test_a_rule_is_well_again_when_it_has_not_failed_for_ten_minutes() -> None:
    ailing = told(last_error="x", last_error_at=NOW - ERROR_MS + 1)
    assert faring(ailing).failing
    healed = faring(told(last_error="x", last_error_at=NOW - ERROR_MS), told(share="1"))
    assert (healed.health, healed.last_error, healed.last_error_at) == ("ok", "x", NOW - ERROR_MS)
    left_out = told(last_error="x", last_error_at=NOW - ERROR_MS, quarantined=True)
    assert faring(left_out).health == "quarantined"


def test_one_worker_that_leaves_the_rule_out_is_enough() -> None:
    assert faring(told(quarantined=True, last_error="x"), told(share="1")).health == "quarantined"


def test_a_disabled_rule_is_disabled_whatever_was_told() -> None:
    assert faring(told(last_error="x"), enabled=False).health == "disabled"


def test_the_newest_share_of_a_worker_is_kept() -> None:
    shares = Shares()
    shares.note([told(matched=1), told(matched=2), told(matched=0, at=NOW - 2_000)], now=NOW)
    assert [each.matched for each in shares.of("default", "r")] == [2]


def test_tenants_are_apart() -> None:
    shares = Shares()
    shares.note([told(matched=1), told(tenant="acme", matched=2)], now=NOW)
    assert [each.matched for each in shares.of("acme", "r")] == [2]
    assert shares.of("other", "r") == []


def test_what_is_stale_is_forgotten() -> None:
    shares = Shares()
    shares.note([told(), told(rule_id="s"), told(share="1", at=NOW - STALE_MS)], now=NOW)
    assert len(shares) == 2
    shares.note([told(at=NOW + STALE_MS)], now=NOW + STALE_MS)
    assert len(shares) == 1
    assert shares.of("default", "s") == []


def test_shares_that_are_all_stale_are_all_forgotten() -> None:
    shares = Shares()
    shares.note([told(), told(share="1"), told(rule_id="s")], now=NOW)
    shares.note([], now=NOW + STALE_MS)
    assert len(shares) == 0
    assert shares.of("default", "r") == []


def test_when_very_many_are_stale_they_are_forgotten_little_by_little() -> None:
    shares = Shares()
    shares.note([told(rule_id=str(number)) for number in range(2 * AT_ONCE + 5)], now=NOW)
    left = []
    while len(shares):
        shares.note([], now=NOW + STALE_MS)
        left.append(len(shares))
    assert left == [AT_ONCE + 5, 5, 0]


@pytest.mark.parametrize("bound", [1, 3])
def test_memory_is_bounded_and_what_was_told_longest_ago_goes_first(bound: int) -> None:
    shares = Shares(bound=bound)
    shares.note([told(rule_id=str(number)) for number in range(5)], now=NOW)
    assert len(shares) == bound
    assert shares.of("default", "4")
    assert not shares.of("default", "0")


def test_a_rule_has_so_many_shares_and_no_more() -> None:
    shares = Shares()
    shares.note([told(share=str(number)) for number in range(MAX_SHARES_OF_RULE + 5)], now=NOW)
    assert len(shares) == MAX_SHARES_OF_RULE
    shares.note([told(share="0", matched=9)], now=NOW)
    assert shares.of("default", "r")[0].matched == 9
