"""The functions that compile: an expression is parsed and checked at once."""

from types import MappingProxyType
from typing import Final

from rule_language import analysis
from rule_language.checker import Checked, check
from rule_language.errors import RuleLanguageError
from rule_language.mistakes import mistakes as find_mistakes
from rule_language.nodes import Literal, Node
from rule_language.parser import parse, parse_alike
from rule_language.prices import check_price
from rule_language.programs import Condition, Match, Scalar, Value
from rule_language.schema import NUMERIC, WINDOW, Schema, Type, event_schema

_BOOLEAN: Final = frozenset({Type.BOOL, Type.DYN})
_NUMBER: Final = NUMERIC | {Type.DYN}
_SCALAR: Final = frozenset(Type) - {Type.NULL, Type.LIST, Type.MAP}


def compile_match(source: str, tenant: str = "default") -> Match:
    """Compile the `match` of a rule that belongs to a tenant.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    schema = event_schema(tenant)
    try:
        checked = _of_events(parse_alike(source), schema, _BOOLEAN, "match")
    except RuleLanguageError:  # once more, to tell where
        checked = _of_events(parse(source), schema, _BOOLEAN, "match")
    return Match(
        source,
        frozenset(checked.fields.values()),
        checked,
        equalities=MappingProxyType(analysis.equalities(checked)),
        patterns=MappingProxyType(analysis.patterns(checked)),
    )


def compile_condition(source: str) -> Condition:
    """Compile the `condition` of a rule.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    checked = check(parse(source), WINDOW, expected=_BOOLEAN, purpose="condition")
    return Condition(source, frozenset(checked.fields.values()), checked)


def compile_value(source: str, tenant: str = "default") -> Value:
    """Compile the `value` of a rule that aggregates numbers.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    checked = _of_events(parse(source), event_schema(tenant), _NUMBER, "value")
    return Value(source, frozenset(checked.fields.values()), checked)


def compile_scalar(source: str, tenant: str = "default") -> Scalar:
    """Compile the `value` of a rule that compares or counts distinct values.

    Raises:
        RuleLanguageError: the expression cannot be compiled; the error says where and why.
    """
    checked = _of_events(parse(source), event_schema(tenant), _SCALAR, "value")
    return Scalar(source, frozenset(checked.fields.values()), checked)


def _of_events(root: Node, schema: Schema, expected: frozenset[Type], purpose: str) -> Checked:
    """Check an expression that is computed of each event, so that it must not take long."""
    checked = check(root, schema, expected=expected, purpose=purpose)
    check_price(root)
    return checked


def compared(source: str, name: str) -> list[Literal]:
    """Return the literals that `==`, `!=` and `in` compare a field of the event with.

    Raises:
        RuleLanguageError: the expression cannot be compiled.
    """
    return list(analysis.compared(_checked(source), name))


def mistakes(source: str) -> list[RuleLanguageError]:
    """Return what an expression over one event says that nobody means, though it compiles.

    Raises:
        RuleLanguageError: the expression cannot be compiled.
    """
    return list(find_mistakes(_checked(source)))


def _checked(source: str) -> Checked:
    schema = event_schema("default")
    return check(parse(source), schema, expected=frozenset(Type), purpose="expression")
