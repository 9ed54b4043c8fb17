"""Turn the text of a literal into its value."""

import re
from math import isinf
from typing import Final

from lark import Token

from rule_language.errors import Position, refusal

DIGITS: Final = "0123456789"

_PLAIN: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "?": "?",
    '"': '"',
    "'": "'",
    "`": "`",
}
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])"
    r"|(?P<octal>[0-3][0-7]{2})"
    r"|[xX](?P<hex2>[0-9a-fA-F]{2})|u(?P<hex4>[0-9a-fA-F]{4})|U(?P<hex8>[0-9a-fA-F]{8})"
    r"|(?P<wrong>[\s\S]))"
)
_SURROGATES: Final = range(0xD800, 0xE000)
_CODE_POINTS: Final = range(0x110000)


def double(token: Token) -> float:
    """Return the value of a double literal.

    Raises:
        RuleLanguageError: it is beyond what a double holds.
    """
    value = float(token)
    if isinf(value):
        raise refusal(_at(token, 0), f"the number {token} is too large for a double")
    return value


def integer(token: Token) -> int:
    """Return the value of an int or uint literal; its range is judged with its sign, later."""
    digits = token.rstrip("uU")
    return int(digits, 16) if digits.startswith("0x") else int(digits)


def text(token: Token) -> str:
    """Return the value of a string literal.

    Raises:
        RuleLanguageError: an escape in it is none of the language's.
    """
    raw = token[0] in "rR"
    quoted = token[1:] if raw else str(token)
    width = 3 if quoted[:3] in ('"""', "'''") else 1
    body = quoted[width:-width]
    if raw or "\\" not in body:
        return body

    def replace(found: re.Match[str]) -> str:
        if found["plain"]:
            return _PLAIN[found["plain"]]
        digits = found["hex2"] or found["hex4"] or found["hex8"]
        code = int(digits, 16) if digits else int(found["octal"] or "-1", 8)
        if code not in _CODE_POINTS or code in _SURROGATES:
            where = _at(token, width + found.start())
            hint = r'in a pattern, put r before the text, as in r"\d+"' if found["wrong"] else ""
            raise refusal(where, f"'{found[0]}' is no escape of this language", hint=hint)
        return chr(code)

    return _ESCAPE.sub(replace, body)


def _at(token: Token, offset: int) -> Position:
    """Return where in the source a token's character stands."""
    before = str(token)[:offset]
    newline = before.rfind("\n")
    column = offset - newline if newline >= 0 else (token.column or 1) + offset
    return Position((token.line or 1) + before.count("\n"), column)
