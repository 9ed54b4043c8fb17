"""Text to syntax tree. Lark parses; this module names the nodes and the mistakes."""

import re
from functools import cache, lru_cache
from itertools import chain, zip_longest
from typing import Final, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from rule_language import literals, nodes
from rule_language.errors import Position, RuleLanguageError, refusal, translation
from rule_language.macros import has, macro
from rule_language.results import INT64, UINT64

MAX_LENGTH: Final = 4_096
"""Characters of an expression. More is generated text, which belongs into several rules."""
MAX_NODES: Final = 1_000
MAX_DEPTH: Final = 64
"""How deep operators and calls may nest. It bounds the stack of checker and compiler."""
MAX_MACROS: Final = 10
"""Macros (`all`, `map`, ...) of an expression: each is a loop."""
MAX_LOOPS: Final = 3
"""How deep macros may stand in one another."""

_REMEMBERED: Final = 4_096
_QUOTE: Final = '"'
_INTRICATE: Final = re.compile(r"[\\\r\n\'`]|//")
"""What makes it hard to tell where a text begins or ends: escapes, other quotes, comments."""
_UNCLEAN: Final = re.compile(r"[\x00\ud800-\udfff]")
_RESERVED: Final = frozenset(
    {
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let"),
        *("loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
_EXPECTED: Final = {
    (True, True): "expected a name, a literal or '('",
    (False, True): "expected a name",
    (False, False): "expected an operator",
}
"""What may come next, told by whether the parser would take an int and a name."""
_CONSTANTS: Final = {"true": (True, "bool"), "false": (False, "bool"), "null": (None, "null")}


def parse(source: str) -> nodes.Node:
    """Return the syntax tree of an expression.

    Raises:
        RuleLanguageError: it is no expression of the language, or exceeds a bound.
    """
    _require_clean(source)
    try:
        root = cast("nodes.Node", _lark().parse(source))
    except UnexpectedCharacters as error:
        raise _unexpected_character(source, error) from None
    except UnexpectedToken as error:
        raise _unexpected_token(source, error) from None
    _require_bounded(root)
    return root


def parse_alike(source: str) -> nodes.Node:
    """Return the syntax tree of an expression; only once for those that differ in texts alone.

    Where its nodes stand in the source is told only if the expression is parsed for itself, so
    whoever refuses it does so after `parse`.

    Raises:
        RuleLanguageError: it is no expression of the language, or exceeds a bound.
    """
    code, texts = source.split(_QUOTE)[::2], source.split(_QUOTE)[1::2]
    if _INTRICATE.search(source) or len(code) == len(texts) or not all(code[1:-1]):
        return parse(source)
    _require_clean(source)
    return nodes.filled(_pattern(tuple(code)), texts)


@lru_cache(_REMEMBERED)
def _pattern(code: tuple[str, ...]) -> nodes.Node:
    """Return the tree of an expression, with numbers in place of its texts."""
    numbers = (f"{_QUOTE}{number}{_QUOTE}" for number in range(len(code) - 1))
    return parse("".join(chain.from_iterable(zip_longest(code, numbers, fillvalue=""))))


def _require_clean(source: str) -> None:
    if len(source) > MAX_LENGTH:
        what = f"the expression has {len(source)} characters, more than {MAX_LENGTH},"
        raise refusal(Position(1, MAX_LENGTH + 1), what)
    if not source.strip():
        raise refusal(Position(1, 1), "the expression is empty", hint="expected an expression")
    unclean = _UNCLEAN.search(source)
    if unclean is not None:
        what = f"the character U+{ord(unclean[0]):04X} cannot stand in an expression"
        raise refusal(_position(source, unclean.start()), what)


def _require_bounded(root: nodes.Node) -> None:
    """Walk without recursion: the tree may still be deeper than the stack."""
    waiting: list[tuple[nodes.Node, int, int]] = [(root, 1, 0)]
    seen = macros = 0
    while waiting:
        node, depth, loops = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            what = f"the expression nests deeper than {MAX_DEPTH} levels"
            raise refusal(node, what)
        if seen > MAX_NODES:
            what = f"the expression has more than {MAX_NODES} operands and operators"
            raise refusal(node, what)
        if isinstance(node, nodes.Literal):
            _require_range(node)
        inside = loops
        if isinstance(node, nodes.Macro):
            macros, inside = macros + 1, loops + 1
            _require_few(node, macros, inside)
        # What a macro looks through stands before it, not in it.
        for index, child in enumerate(node.children):
            waiting.append((child, depth + 1, inside if index else loops))


def _require_few(node: nodes.Macro, macros: int, loops: int) -> None:
    if macros > MAX_MACROS:
        raise refusal(node, f"more than {MAX_MACROS} macros")
    if loops > MAX_LOOPS:
        raise refusal(node, f"macros nest deeper than {MAX_LOOPS} levels")


def _require_range(node: nodes.Literal) -> None:
    bounds = {"int": INT64, "uint": UINT64}.get(node.kind)
    if bounds is not None and node.value not in bounds:
        what = f"the number {node.value} is out of the range of {node.kind}"
        raise refusal(node, what)


def _position(source: str, offset: int) -> Position:
    before = source[:offset]
    return Position(before.count("\n") + 1, offset - before.rfind("\n"))


def _unexpected_character(source: str, error: UnexpectedCharacters) -> RuleLanguageError:
    where = Position(error.line, error.column)
    offset = cast("int", error.pos_in_stream)
    character = source[offset]
    if character in "\"'":
        return refusal(where, "the string that begins", hint="it never ends")
    if character in literals.DIGITS:
        return refusal(where, "malformed number")
    return refusal(where, f"unexpected '{character}'", hint=translation(source, offset))


def _unexpected_token(source: str, error: UnexpectedToken) -> RuleLanguageError:
    hint = _EXPECTED[("INT" in error.accepts, "IDENT" in error.accepts)]
    if error.token.type == "$END":
        where = _position(source, len(source))
        return refusal(where, "the expression ends too early", hint=hint)
    meant = translation(source, error.token.start_pos or 0)
    return refusal(_where(error.token), f"unexpected '{error.token}'", hint=meant or hint)


@v_args(inline=True)
class _Builder(Transformer[Token, nodes.Node]):
    """Called by the parser for each rule, bottom up, with no tree of Lark's in between."""

    def choose(self, condition: nodes.Node, then: nodes.Node, otherwise: nodes.Node) -> nodes.Node:
        return nodes.Conditional(condition.at, condition, then, otherwise)

    def any_of(self, *operands: nodes.Node) -> nodes.Node:
        return nodes.Logical(operands[0].at, "||", operands)

    def all_of(self, *operands: nodes.Node) -> nodes.Node:
        return nodes.Logical(operands[0].at, "&&", operands)

    def binary(self, left: nodes.Node, operator: Token, right: nodes.Node) -> nodes.Node:
        return nodes.Binary(_where(operator), str(operator), left, right)

    def prefixed(self, *parts: Token | nodes.Node) -> nodes.Node:
        operand = cast("nodes.Node", parts[-1])
        for operator in cast("tuple[Token, ...]", parts[-2::-1]):
            operand = _prefix(operator, operand)
        return operand

    def select(self, operand: nodes.Node, field: Token) -> nodes.Node:
        return nodes.Select(_where(field), operand, field.strip("`"))

    def method(
        self, target: nodes.Node, function: Token, arguments: tuple[nodes.Node, ...] | None
    ) -> nodes.Node:
        at, name, given = _where(function), str(function), arguments or ()
        return macro(at, name, target, given) or nodes.Call(
            at, name, (target, *given), is_method=True
        )

    def index(self, operand: nodes.Node, key: nodes.Node) -> nodes.Node:
        return nodes.Index(operand.at, operand, key)

    def name(self, name: Token) -> nodes.Node:
        if name in _RESERVED:
            raise refusal(_where(name), f"'{name}' is a reserved word")
        return nodes.Name(_where(name), str(name))

    def call(self, function: Token, arguments: tuple[nodes.Node, ...] | None) -> nodes.Node:
        at, given = _where(function), arguments or ()
        if function == "has":
            return has(at, given)
        return nodes.Call(at, str(function), given, is_method=False)

    def items(self, bracket: Token, *items: nodes.Node) -> nodes.Node:
        return nodes.Items(_where(bracket), items)

    def entries(self, brace: Token, *entries: tuple[nodes.Node, nodes.Node]) -> nodes.Node:
        keys, values = tuple(zip(*entries, strict=True)) or ((), ())
        return nodes.Entries(_where(brace), keys, values)

    def number(self, token: Token) -> nodes.Node:
        if token.type == "DOUBLE":
            return nodes.Literal(_where(token), literals.double(token), "double")
        return nodes.Literal(_where(token), literals.integer(token), token.type.lower())

    def text(self, token: Token) -> nodes.Node:
        return nodes.Literal(_where(token), literals.text(token), "string")

    def constant(self, token: Token) -> nodes.Node:
        return nodes.Literal(_where(token), *_CONSTANTS[token])

    def arguments(self, *arguments: nodes.Node) -> tuple[nodes.Node, ...]:
        return arguments

    def entry(self, key: nodes.Node, value: nodes.Node) -> tuple[nodes.Node, nodes.Node]:
        return key, value


def _prefix(operator: Token, operand: nodes.Node) -> nodes.Node:
    """Apply `!` or `-`; one minus before an int or double literal is part of the literal."""
    if operator == "-" and isinstance(operand, nodes.Literal) and operand.kind in ("int", "double"):
        magnitude = cast("float", operand.value)
        if magnitude >= 0:
            return nodes.Literal(_where(operator), -magnitude, operand.kind)
    return nodes.Unary(_where(operator), str(operator), operand)


def _where(token: Token) -> Position:
    return Position(token.line or 1, token.column or 1)


@cache
def _lark() -> Lark:
    """Build the parser at first use; afterwards it is read only, so threads may share it."""
    return Lark.open(
        "cel.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=_Builder()
    )
