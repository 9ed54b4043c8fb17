"""Compile a checked tree to a closure that returns its value.

A closure raises `UndecidedError` where the expression has no value. `&&` and `||` absorb it as
the standard says: whichever side decides alone, decides.
"""

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any, Final, TypeAlias, cast

from rule_language import operations
from rule_language.checker import Checked
from rule_language.functions import parse_time, searcher
from rule_language.nodes import (
    Binary,
    Call,
    Conditional,
    Index,
    Items,
    Literal,
    Logical,
    Name,
    Node,
    Select,
    Unary,
)
from rule_language.operations import UndecidedError

Closure: TypeAlias = Callable[[Any], Any]
"""Takes the subject: an event, or the figures of a window."""


class Values:
    """Builds value closures for the nodes of one checked tree."""

    def __init__(self, checked: Checked) -> None:
        self._variables = checked.schema.variables
        self._types = checked.types

    @singledispatchmethod
    def of(self, node: Literal) -> Closure:
        """Return the closure of a node."""
        value = node.value
        return lambda _subject: value

    @of.register
    def _(self, node: Name) -> Closure:
        variable = self._variables[node.name]
        read = variable.read
        if not variable.optional:
            return read

        def value(subject: Any) -> Any:  # noqa: ANN401 - any value of an event
            found = read(subject)
            if found is None:
                raise UndecidedError
            return found

        return value

    @of.register
    def _(self, node: Items) -> Closure:
        items = [self.of(item) for item in node.items]
        return lambda subject: [item(subject) for item in items]

    @of.register
    def _(self, node: Select) -> Closure:
        owner, name, field = self.of(node.operand), node.field, operations.field
        return lambda subject: field(owner(subject), name)

    @of.register
    def _(self, node: Index) -> Closure:
        owner, key, element = self.of(node.operand), self.of(node.key), operations.element
        return lambda subject: element(owner(subject), key(subject))

    @of.register
    def _(self, node: Unary) -> Closure:
        operand = self.of(node.operand)
        apply = _opposite if node.operator == "!" else operations.negated
        return lambda subject: apply(operand(subject))

    @of.register
    def _(self, node: Binary) -> Closure:
        left, right = self.of(node.left), self.of(node.right)
        apply = operations.COMPARISONS.get(node.operator)
        if node.operator == "in":
            apply = operations.member
        if apply is None:
            apply = operations.arithmetic(node.operator, self._types[node])
        return _applied(apply, left, right)

    @of.register
    def _(self, node: Logical) -> Closure:
        operands = [self.of(operand) for operand in node.operands]
        otherwise = node.operator == "&&"
        decisive = not otherwise

        def value(subject: Any) -> bool:  # noqa: ANN401 - an event or a window
            undecided = False
            for operand in operands:
                try:
                    found = operand(subject)
                except UndecidedError:
                    undecided = True
                    continue
                if found is decisive:
                    return not otherwise
                undecided = undecided or found is not otherwise
            if undecided:
                raise UndecidedError
            return otherwise

        return value

    @of.register
    def _(self, node: Conditional) -> Closure:
        condition, then, otherwise = map(self.of, node.children)

        def value(subject: Any) -> Any:  # noqa: ANN401 - any value of an event
            found = condition(subject)
            if found is True:
                return then(subject)
            if found is False:
                return otherwise(subject)
            raise UndecidedError

        return value

    @of.register
    def _(self, node: Call) -> Closure:
        return _CALLS.get(node.function, _text_test)(self, node)

    def presence(self, node: Node) -> Closure:
        """Return the closure of `has(node)`."""
        if isinstance(node, Name):
            variable = self._variables[node.name]
            read, absent = variable.read, variable.absent
            return lambda subject: read(subject) != absent
        select = cast("Select", node)
        owner, name, has_field = self.of(select.operand), select.field, operations.has_field
        return lambda subject: has_field(owner(subject), name)


def _opposite(value: Any) -> bool:  # noqa: ANN401 - any value of an event
    if isinstance(value, bool):
        return not value
    raise UndecidedError


def _applied(apply: operations.Apply, left: Closure, right: Closure) -> Closure:
    return lambda subject: apply(left(subject), right(subject))


def _presence(values: Values, node: Call) -> Closure:
    return values.presence(node.arguments[0])


def _size(values: Values, node: Call) -> Closure:
    argument, size = values.of(node.arguments[0]), operations.size
    return lambda subject: size(argument(subject))


def _time(_values: Values, node: Call) -> Closure:
    moment = parse_time(node.arguments[0])
    return lambda _subject: moment


def _matches(values: Values, node: Call) -> Closure:
    argument, search = values.of(node.arguments[0]), searcher(node.arguments[1])

    def value(subject: Any) -> bool:  # noqa: ANN401 - an event
        text = argument(subject)
        if not isinstance(text, str):
            raise UndecidedError
        return search(text)

    return value


def _text_test(values: Values, node: Call) -> Closure:
    left, right = map(values.of, node.arguments)
    return _applied(operations.TEXT_TESTS[node.function], left, right)


_CALLS: Final[dict[str, Callable[[Values, Call], Closure]]] = {
    "has": _presence,
    "size": _size,
    "timestamp": _time,
    "matches": _matches,
}
