"""What an expression takes at worst for one event outside its macros, told from its text.

In steps of a tenth of a microsecond, for an event of 200 characters: of such events a full batch
has 5 000, and fewer of those that are longer. So this bounds what a batch takes.
"""

from collections import defaultdict
from typing import Final

from rule_language.conversions import LONG
from rule_language.costs import own, read
from rule_language.errors import refusal
from rule_language.nodes import Binary, Call, Entries, Items, Literal, Macro, Node

MAX_PRICE: Final = 400
"""Steps for one event."""
_USUAL: Final = 200
"""Characters of an event."""
_UNKNOWN: Final = 9
"""How much dearer than most is a search for a text that nobody knows beforehand."""
_SEARCHES: Final = frozenset({"contains", "split"})
_HINT: Final = "expected fewer, or one pattern for many texts, as in message.matches('this|that')"


def check_price(root: Node) -> None:
    """Refuse an expression that takes too long for one event.

    Raises:
        RuleLanguageError: it does; the error names what takes most.
    """
    prices: dict[str, float] = defaultdict(float)
    dearest: dict[str, tuple[float, Node]] = {}
    for node in _outside(root):
        price, name = _price(node), _name(node)
        prices[name] += price
        if price > dearest.get(name, (0.0, node))[0]:
            dearest[name] = price, node
    whole = round(sum(prices.values()))
    if whole > MAX_PRICE:
        name = max(dearest, key=lambda each: prices[each])
        what = f"the expression takes {whole} steps for an event, more than {MAX_PRICE}"
        what += f" ({round(prices[name])} of them for {name}),"
        raise refusal(dearest[name][1], what, hint=_HINT)


def _outside(root: Node) -> list[Node]:
    """Return the nodes that are looked at once: not those of the bodies of macros."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += read(found[-1])
    return found


def _name(node: Node) -> str:
    if isinstance(node, Call):
        return f"{node.function}()"
    if isinstance(node, Binary):
        return f"'{node.operator}'"
    return "lists and maps" if isinstance(node, Items | Entries) else "fields"


def _price(node: Node) -> float:
    if isinstance(node, Binary) and node.operator == "+":
        return own(node) + _copies(node) / 2
    if not isinstance(node, Call):
        return own(node)
    price = own(node) * max(1.0, _copies(node.arguments[0]))
    return price * _effort(node.arguments[1]) if node.function in _SEARCHES else price


def _copies(node: Node) -> float:
    """Return how often the text of an event may be in a value: more than once where joined."""
    if isinstance(node, Literal):
        return len(node.value) / _USUAL if isinstance(node.value, str) else 0
    if isinstance(node, Macro):
        return _copies(node.over) * _copies(node.body)
    parts = [_copies(child) for child in node.children]
    if isinstance(node, Binary) and node.operator == "+":
        return sum(parts)
    return max(parts, default=1)


def _effort(sought: Node) -> float:
    """Return how much dearer than most a search is: Python compares the beginnings of words."""
    if not isinstance(sought, Literal):
        return _UNKNOWN
    text = str(sought.value)
    return 1 if not text or len(text) >= LONG else 1 + _overlap(text) / 3


def _overlap(text: str) -> float:
    """Return how far, on average, a text goes on at a place as it does at its beginning."""
    shared = 0
    for start in range(1, len(text)):
        length = 0
        while start + length < len(text) and text[length] == text[start + length]:
            length += 1
        shared += length
    return shared / len(text)
