"""Label matchers in both notations of an Alertmanager file, and Prometheus durations."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol, cast

import re2

from alert_contracts import durations

Operator = Literal["=", "!=", "=~", "!~"]
_NAME: Final = r'(?:[a-zA-Z_:][a-zA-Z0-9_:.\-/]*|"(?:[^"\\]|\\.)*")'
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_MATCHER: Final = re.compile(
    rf"\s*({_NAME})\s*(=~|!~|!=|=)\s*({_QUOTED}|[^,\"]*)\s*(?:,|$)", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_MAX_DURATION_MS: Final = durations.parse("10y")


class Regex(Protocol):
    """What we use of a compiled RE2 pattern."""

    def fullmatch(self, text: str) -> object | None: ...


class Matcher(NamedTuple):
    """One condition on one label; a label that is missing has the value ""."""

    name: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f'{self.name}{self.operator}"{self.value}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels fulfil it; regexes are RE2 and match the whole value."""
        actual = labels.get(self.name, "")
        if self.operator in {"=", "!="}:
            return (actual == self.value) is (self.operator == "=")
        found = compile_regex(self.value).fullmatch(actual) is not None
        return found is (self.operator == "=~")


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Regex:
    """Return the RE2 pattern.

    Raises:
        ValueError: it is none; the message says why.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Regex = re2.compile(pattern, options)
    except re2.error as exc:
        reason = exc.args[0] if exc.args else "invalid"
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        msg = f"{pattern!r} is no RE2 regular expression: {text}"
        raise ValueError(msg) from None
    return compiled


def make_matcher(name: str, operator: Operator, value: str) -> Matcher:
    """Return the matcher.

    Raises:
        ValueError: the name is empty, or the value is no regex where it must be one.
    """
    if not name:
        msg = "a matcher needs a label name"
        raise ValueError(msg)
    if operator in {"=~", "!~"}:
        compile_regex(value)
    return Matcher(name, operator, value)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Return the matchers of one text: `a="b"`, `a=~b|c`, or several: `{a="b", c!="d"}`.

    Raises:
        ValueError: the text is not of that form, or holds an invalid regex.
    """
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    found: list[Matcher] = []
    position = 0
    while position < len(inner):
        match = _MATCHER.match(inner, position)
        if match is None:
            msg = f'{text!r} is no matcher: write name="value" with =, !=, =~ or !~'
            raise ValueError(msg)
        name, operator, value = match.groups()
        found.append(make_matcher(_plain(name), cast("Operator", operator), _plain(value)))
        position = match.end()
    if not found:
        msg = "a matcher must not be empty"
        raise ValueError(msg)
    return tuple(found)


def _plain(text: str) -> str:
    if not text.startswith('"'):
        return text.strip()
    return _ESCAPE.sub(lambda m: _UNESCAPED.get(m[1], m[0]), text[1:-1])


def parse_duration(text: str) -> timedelta:
    """Return a Prometheus duration such as `90s`, `5m`, `1h30m`, `1d`, `0`; at most 10 years.

    Raises:
        ValueError: the text is not of that form.
    """
    total = 0 if text == "0" else durations.parse(text)
    if total > _MAX_DURATION_MS:
        msg = f"{text!r} is longer than 10 years"
        raise ValueError(msg)
    return timedelta(milliseconds=total)
