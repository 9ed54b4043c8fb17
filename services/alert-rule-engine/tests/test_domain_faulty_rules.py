"""A rule that is at fault stops nobody but itself."""

from alert_contracts.rules import RuleType
from alert_rule_engine.domain.rules import compile_rules
from alert_rule_engine.testing import a_rule


def test_a_condition_that_leaves_all_doubles_behind_compiles() -> None:
    product = "*".join(["previous.count"] * 30)
    rule = a_rule(RuleType.METRIC, value="responseTime", condition=f"{product} / 3.0 > count")
    book = compile_rules([rule])
    assert not book.errors
    assert not book.rules["default/r1"].holds({"count": 5, "previous.count": 0})
    assert book.rules["default/r1"].holds({"count": 5, "previous.count": 10**12})


def test_a_rule_that_cannot_be_compiled_by_a_fault_of_ours_is_reported_and_stops_no_other() -> None:
    unwritable = a_rule(id="r2", group_by=("attributes.\ud800",))
    book = compile_rules([unwritable, a_rule()])
    assert list(book.rules) == ["default/r1"]
    assert "UnicodeEncodeError" in book.errors["default/r2"]
