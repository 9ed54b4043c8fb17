"""Statuses are told when they change, not too often, and again and again."""

import msgspec

from alert_contracts.rule_status import REPEAT_MS, RuleStatus
from alert_rule_engine.domain.bulletin import EVERY_MS, Bulletin

STATUS = RuleStatus("default", "r1", 1, "evaluate", "w1", 0)


def at(now: int, **changes: object) -> RuleStatus:
    return msgspec.structs.replace(STATUS, at=now, **changes)


def test_a_status_is_told_at_once_and_repeated_as_long_as_it_stays() -> None:
    bulletin = Bulletin()
    assert bulletin.due([at(5)], 5) == [at(5)]
    assert bulletin.due([at(6)], 4 + REPEAT_MS) == []
    assert bulletin.due([at(7)], 5 + REPEAT_MS) == [at(7)]


def test_a_change_is_told_soon_and_no_more_often() -> None:
    bulletin = Bulletin()
    bulletin.due([at(0)], 0)
    assert bulletin.due([at(1, matched=1)], EVERY_MS - 1) == []
    assert bulletin.due([at(2, matched=2)], EVERY_MS) == [at(2, matched=2)]


def test_what_is_told_at_once_is_bounded_and_the_longest_untold_comes_first() -> None:
    bulletin = Bulletin(most=2)
    many = [at(0, rule_id=f"r{number}") for number in range(3)]
    assert bulletin.due(many, 0) == many[:2]
    assert bulletin.due(many, 1) == many[2:]
    assert bulletin.due(many, REPEAT_MS) == many[:2]


def test_a_rule_that_is_gone_is_forgotten() -> None:
    bulletin = Bulletin()
    bulletin.due([at(0)], 0)
    assert bulletin.due([], 1) == []
    assert bulletin.due([at(2)], 2) == [at(2)]
