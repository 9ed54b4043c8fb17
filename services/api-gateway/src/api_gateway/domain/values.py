"""Checks of a JSON value that a client may nest and fill as it likes."""

from math import isfinite
from typing import Any

from api_gateway.domain.bounds import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER
from api_gateway.domain.refusals import FieldError, step


def check_text(text: str, pointer: str) -> str:
    """Return the text.

    Raises:
        FieldError: it holds NUL or half of a surrogate pair, which no database stores.
    """
    if "\x00" in text:
        raise FieldError(pointer, "holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            reason = "is not valid UTF-8, or holds half of a surrogate pair"
            raise FieldError(pointer, reason) from None
    return text


def check_number(number: float, pointer: str) -> None:
    """Pass a number that every reader can hold.

    Raises:
        FieldError: it is not finite, or an integer of more than 64 bits.
    """
    if isinstance(number, int):
        if not MIN_INTEGER <= number <= MAX_INTEGER:
            raise FieldError(pointer, "is an integer of more than 64 bits")
    elif not isfinite(number):
        raise FieldError(pointer, "is not a finite number")


def check_value(value: Any, pointer: str, depth: int) -> None:  # noqa: ANN401 - any JSON
    """Pass a value that can be stored; `depth` counts the containers around it.

    Raises:
        FieldError: a text or number in it cannot be stored, or it is nested too deeply.
    """
    if isinstance(value, str):
        check_text(value, pointer)
    elif isinstance(value, int | float):
        check_number(value, pointer)
    elif isinstance(value, dict):
        _check_depth(depth, pointer)
        for name, part in value.items():
            inner = pointer + step(name)
            check_text(name, inner)
            check_value(part, inner, depth + 1)
    elif isinstance(value, list):
        _check_depth(depth, pointer)
        for index, part in enumerate(value):
            check_value(part, pointer + step(index), depth + 1)


def _check_depth(depth: int, pointer: str) -> None:
    if depth >= MAX_DEPTH:
        raise FieldError(pointer, f"is nested more than {MAX_DEPTH} deep")
