"""The standard's semantics, line by line: the reference implementation gives these answers, too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alert_contracts.events import Event

Side = Callable[[str, Event], Any]
ANSWERS = {"yes": True, "no": False, "undecided": "undecided"}
EVENT = Event(
    timestamp=1_769_853_600_123,
    service="payment",
    message='Connection to "db" timed out \N{SNOWMAN}',
    level="ERROR",
    status_code=503,
    attributes={
        "region": "eu",
        "n": 7,
        "zero": 0,
        "ratio": 2.5,
        "whole": 3.0,
        "flag": True,
        "nothing": None,
        "list": [1, "a", True, None, [1], {"k": 1}],
        "map": {"a": {"b": "deep"}, "n": 1},
        "text": "",
        "digits": "42",
        "took": "1.5s",
    },
)
LINES = [
    pytest.param(*reversed(line.split(maxsplit=1)), id=f"{page.stem}:{number}")
    for page in sorted((Path(__file__).parent / "standard").glob("*.txt"))
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), start=1)
    if line
]


@pytest.mark.parametrize(("expression", "answer"), LINES)
def test_the_standard_gives_this_answer_and_so_do_we(
    expression: str, answer: str, reference: Side, ours: Side, asked: Side
) -> None:
    expected = ANSWERS[answer]
    assert reference(expression, EVENT) == expected
    assert ours(expression, EVENT) == expected
    assert asked(expression, EVENT) == expected


@pytest.mark.parametrize(
    "expression",
    ["§level == 'ERROR' // says so\n  && true", "'''a'b\n''' == 'a\\'b\\n'", "\n\t1 ==\r\n1\f"],
)
def test_line_ends_are_blanks_but_in_texts(
    expression: str, reference: Side, ours: Side, asked: Side
) -> None:
    assert reference(expression, EVENT) is True
    assert ours(expression, EVENT) is True
    assert asked(expression, EVENT) is True


DEPARTURES = [
    # "Division by zero ... double: infinity": a ratio over an empty window must not fire
    ("1.0 / 0.0 > 1.0", True, "undecided"),
    ("0.0 / 0.0 != 1.0", True, "undecided"),
    # "There is no automatic arithmetic conversion for the numeric types": ours converts
    ("1 + 1.5 == 2.5", "undecided", True),
    ("§statusCode / 2.0 == 251.5", "undecided", True),
    # "Numeric comparison ... as though on a continuous number line": the reference is lossy
    ("9223372036854775807 < 9223372036854775808.0", False, True),
    # "int(double): errors if out of range", and -2^63 is in range
    ("int(-9223372036854775808.0) < 0", "undecided", True),
    # "int(string)" is a conversion of digits; blanks are none
    ("int(' 5') == 5", True, "undecided"),
    ("double(' 5') == 5.0", True, "undecided"),
    # "int" takes int, uint, double, string and timestamp
    ("int(§attributes.flag) == 1", True, "undecided"),
    # RFC 3339 wants a colon in the offset
    ("timestamp('2023-12-25T00:00:00' + '+0100') < timestamp(0)", False, "undecided"),
]


@pytest.mark.parametrize(("expression", "theirs", "answer"), DEPARTURES)
def test_we_depart_from_the_reference_on_purpose(  # noqa: PLR0917 - pytest passes by name
    expression: str, theirs: object, answer: object, reference: Side, ours: Side, asked: Side
) -> None:
    assert reference(expression, EVENT) == theirs
    assert ours(expression, EVENT) == asked(expression, EVENT) == answer
