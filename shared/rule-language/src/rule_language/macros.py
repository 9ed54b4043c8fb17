"""What looks like a function but is none: it takes a field or a body, not a value."""

from collections.abc import Sequence
from typing import Final

from rule_language.errors import Position, refusal
from rule_language.nodes import Has, Macro, Name, Node, Select

_USAGES: Final = {
    "all": 'attributes.tags.all(tag, tag != "")',
    "exists": 'attributes.tags.exists(tag, tag == "db")',
    "exists_one": 'attributes.tags.exists_one(tag, tag == "db")',
    "filter": 'attributes.tags.filter(tag, tag != "")',
    "map": "attributes.tags.map(tag, size(tag))",
}
MACROS: Final = frozenset({*_USAGES, "has"})


def has(at: Position, arguments: Sequence[Node]) -> Node:
    """Return `has(field)`.

    Raises:
        RuleLanguageError: there is no field to judge.
    """
    if len(arguments) == 1 and isinstance(arguments[0], Name | Select):
        return Has(at, arguments[0])
    hint = "expected a field, as in has(host) or has(attributes.region)"
    raise refusal(at, "has() cannot judge this", hint=hint)


def macro(at: Position, kind: str, over: Node, arguments: Sequence[Node]) -> Node | None:
    """Return the macro that `over.kind(arguments)` is; None if it is a function.

    Raises:
        RuleLanguageError: it has not the arguments of a macro.
    """
    usage = _USAGES.get(kind)
    if usage is None:
        return None
    hint = f"expected, say, {usage}"
    if len(arguments) not in ((2, 3) if kind == "map" else (2,)):
        what = f"{kind}() takes a name and what is asked of each element"
        raise refusal(at, what, hint=hint)
    variable, *tests, body = arguments
    if not isinstance(variable, Name):
        raise refusal(variable, f"{kind}() needs a name for the element", hint=hint)
    return Macro(at, kind, over, variable, tests[0] if tests else None, body)
