"""Compile a checked tree to a closure that returns a plain yes or no, for the hot path.

The logic has three values: true, false and undecided. Asking only "is it surely true?" (or, below
a `!`, "is it surely false?") lets each branch answer with one bool and without an exception:

    surely true  (a && b) = surely true a  and surely true b
    surely false (a && b) = surely false a or  surely false b

and so on for `||`, `!` and `?:`. Every node is compiled for one of the two questions only.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from rule_language.checker import Checked
from rule_language.nodes import Call, Conditional, Logical, Node, Unary
from rule_language.operations import UndecidedError
from rule_language.shortcuts import shortcut
from rule_language.values import Closure, Values

Test: TypeAlias = Callable[[Any], bool]


def compile_test(checked: Checked) -> Test:
    """Return a test of the subject that holds exactly where the whole tree is true."""
    return _Truth(checked).surely(checked.root, wanted=True)


class _Truth:
    def __init__(self, checked: Checked) -> None:
        self._schema = checked.schema
        self._values = Values(checked)

    def surely(self, node: Node, *, wanted: bool) -> Test:
        """Return the test of whether the node's value is `wanted`."""
        short = shortcut(node, self._schema, wanted=wanted)
        if short is not None:
            return short
        if isinstance(node, Unary):
            return self.surely(node.operand, wanted=not wanted)
        if isinstance(node, Logical):
            parts = [self.surely(part, wanted=wanted) for part in sorted(node.operands, key=_cost)]
            return _all(parts) if (node.operator == "&&") is wanted else _any(parts)
        if isinstance(node, Conditional):
            return self._branch(node, wanted=wanted)
        return _decided(self._values.of(node), wanted=wanted)

    def _branch(self, node: Conditional, *, wanted: bool) -> Test:
        condition = self._values.of(node.condition)
        then = self.surely(node.then, wanted=wanted)
        otherwise = self.surely(node.otherwise, wanted=wanted)

        def test(subject: Any) -> bool:  # noqa: ANN401 - an event or a window
            try:
                found = condition(subject)
            except UndecidedError:
                return False
            return (found is True and then(subject)) or (found is False and otherwise(subject))

        return test


def _cost(node: Node) -> int:
    """Rank operands: order changes no answer, so patterns are tried last."""
    if isinstance(node, Call) and node.function == "matches":
        return 2
    return 1 if isinstance(node, Call | Logical | Conditional) else 0


def _decided(value: Closure, *, wanted: bool) -> Test:
    def test(subject: Any) -> bool:  # noqa: ANN401 - an event or a window
        try:
            return value(subject) is wanted
        except UndecidedError:
            return False

    return test


def _all(parts: Sequence[Test]) -> Test:
    first, second, *more = parts
    if not more:
        return lambda subject: first(subject) and second(subject)
    if len(more) == 1:
        third = more[0]
        return lambda subject: first(subject) and second(subject) and third(subject)

    def test(subject: Any) -> bool:  # noqa: ANN401 - an event or a window
        for part in parts:  # noqa: SIM110 - twice as fast as all(...)
            if not part(subject):
                return False
        return True

    return test


def _any(parts: Sequence[Test]) -> Test:
    first, second, *more = parts
    if not more:
        return lambda subject: first(subject) or second(subject)

    def test(subject: Any) -> bool:  # noqa: ANN401 - an event or a window
        for part in parts:  # noqa: SIM110 - twice as fast as any(...)
            if part(subject):
                return True
        return False

    return test
