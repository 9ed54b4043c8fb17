"""Pieces of Python syntax trees, short to say. No text of a user's becomes code, only constants."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

_AT: Final[dict[str, Any]] = {"lineno": 1, "col_offset": 0}
_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()
_COMPARISONS: Final[Mapping[str, ast.cmpop]] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
    "not in": ast.NotIn(),
    "is": ast.Is(),
    "is not": ast.IsNot(),
}
_OPERATORS: Final[Mapping[str, ast.operator]] = {
    "+": ast.Add(),
    "-": ast.Sub(),
    "*": ast.Mult(),
    "/": ast.Div(),
    "//": ast.FloorDiv(),
    "%": ast.Mod(),
}
_AND: Final = ast.And()
_OR: Final = ast.Or()
_NOT: Final = ast.Not()
_MINUS: Final = ast.USub()
Value = str | float | bool | frozenset[Any] | None


def name(identifier: str) -> ast.expr:
    return ast.Name(identifier, _LOAD, **_AT)


def constant(value: Value) -> ast.expr:
    # An ast.Constant may hold a frozenset, whatever typeshed says.
    return ast.Constant(value, **_AT)  # type: ignore[arg-type]


NONE: Final = constant(None)
TRUE: Final = constant(value=True)
FALSE: Final = constant(value=False)


def attribute(owner: ast.expr, field: str) -> ast.expr:
    return ast.Attribute(owner, field, _LOAD, **_AT)


def kind(value: ast.expr) -> ast.expr:
    """Return `value.__class__`."""
    return attribute(value, "__class__")


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [], **_AT)


def method(owner: ast.expr, function: str, *arguments: ast.expr) -> ast.expr:
    return call(attribute(owner, function), *arguments)


def compare(left: ast.expr, operator: str, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [_COMPARISONS[operator]], [right], **_AT)


def between(low: ast.expr, value: ast.expr, high: ast.expr) -> ast.expr:
    """Return `low <= value <= high`."""
    operators = [_COMPARISONS["<="], _COMPARISONS["<="]]
    return ast.Compare(low, operators, [value, high], **_AT)


def compute(left: ast.expr, operator: str, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, _OPERATORS[operator], right, **_AT)


def minus(operand: ast.expr) -> ast.expr:
    return ast.UnaryOp(_MINUS, operand, **_AT)


def negation(operand: ast.expr) -> ast.expr:
    return ast.UnaryOp(_NOT, operand, **_AT)


def both(parts: Iterable[ast.expr]) -> ast.expr:
    """Return the conjunction of the parts, flat."""
    return _joined(_AND, parts, neutral=TRUE)


def either(parts: Iterable[ast.expr]) -> ast.expr:
    """Return the disjunction of the parts, flat."""
    return _joined(_OR, parts, neutral=FALSE)


def _joined(operator: ast.boolop, parts: Iterable[ast.expr], *, neutral: ast.expr) -> ast.expr:
    flat: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.BoolOp) and part.op is operator:
            flat.extend(part.values)
        elif part is not neutral:
            flat.append(part)
    if len(flat) > 1:
        return ast.BoolOp(operator, flat, **_AT)
    return flat[0] if flat else neutral


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    return then if test is TRUE else ast.IfExp(test, then, otherwise, **_AT)


def assign(identifier: str, value: ast.expr) -> ast.expr:
    """Return `(identifier := value)`."""
    return ast.NamedExpr(ast.Name(identifier, _STORE, **_AT), value, **_AT)


def sequence(items: Sequence[ast.expr]) -> ast.expr:
    return ast.List(list(items), _LOAD, **_AT)


def mapping(keys: Sequence[ast.expr], values: Sequence[ast.expr]) -> ast.expr:
    return ast.Dict(list(keys), list(values), **_AT)


def function(parameters: Sequence[str], body: ast.expr, captured: Iterable[str] = ()) -> ast.Lambda:
    """Return a lambda; what it captures is handed over as defaults, so that nothing is a cell."""
    names = list(captured)
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(each, **_AT) for each in (*parameters, *names)],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[name(each) for each in names],
    )
    return ast.Lambda(arguments, body, **_AT)


def built(tree: ast.Lambda, constants: Mapping[str, object]) -> Any:  # noqa: ANN401 - a function
    """Return the function of a tree that this package made."""
    code = compile(ast.Expression(tree), "<rule>", "eval")
    return eval(code, dict(constants))  # noqa: S307 - our own tree, with data as its only constants
