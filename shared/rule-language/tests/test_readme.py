"""The manual is true: every expression in it has the answer that it promises."""

import re
from pathlib import Path

import msgspec
import pytest

from alert_contracts.events import Event
from rule_language import (
    checker,
    compile_match,
    conversions,
    functions,
    loops,
    macros,
    operations,
    parser,
    patterns,
    prices,
    schema,
    times,
)

MANUAL = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EVENT = msgspec.json.decode(
    re.findall(r"^```json\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)[0], type=Event
)
EXAMPLES = [
    (ticked or plain, answer)
    for ticked, plain, answer in re.findall(
        r"^\| (?:``(.*)``|`(.*)`) \| (yes|no|undecided) \|$", MANUAL, re.MULTILINE
    )
]


def test_the_manual_has_its_examples() -> None:
    assert len(EXAMPLES) > 30
    assert {answer for _, answer in EXAMPLES} == {"yes", "no", "undecided"}


@pytest.mark.parametrize(("example", "answer"), EXAMPLES)
def test_an_example_of_the_manual_has_its_answer(example: str, answer: str) -> None:
    source = example.replace(r"\|", "|")
    assert compile_match(source).test(EVENT) is (answer == "yes")
    # A closing line end keeps the bracket out of a comment.
    assert compile_match(f"!({source}\n)").test(EVENT) is (answer == "no")


def test_the_manual_names_every_variable() -> None:
    names = set(re.findall(r"`([a-zA-Z0-9]+)`", MANUAL))
    assert names >= set(schema.event_schema("default").variables)
    figures = {name.removeprefix("previous.") for name in schema.WINDOW.variables}
    assert names >= figures


def test_the_manual_shows_every_function_and_macro() -> None:
    examples = "\n".join(example for example, _ in EXAMPLES)
    assert {
        name for name in {*functions.SIGNATURES, *macros.MACROS} if f"{name}(" not in examples
    } == set()


def test_the_manual_knows_the_bounds() -> None:
    bounds = [
        f"{parser.MAX_LENGTH:,} characters, {parser.MAX_NODES:,} operands",
        f"{parser.MAX_DEPTH} levels deep",
        f"{checker.MAX_PATTERNS}, each {patterns.MAX_PATTERN:,} characters",
        f"{patterns.MAX_PROGRAM:,} RE2 instructions, {patterns.MAX_GROUPS} groups",
        f"{patterns.MAX_AUTOMATON >> 10} KiB of states",
        f"{parser.MAX_MACROS}, nested {parser.MAX_LOOPS} deep",
        f"all together look at {loops.MAX_STEPS:,} elements",
        f"{loops.STEP} characters of a text",
        f"{patterns.MAX_SET:,} patterns",
        f"[{prices.MAX_PRICE} steps]",
        f"a text to split at | {conversions.LONG - 1} characters",
        f"a duration that is read | {times.MAX_UNITS} parts",
        f"{operations.MAX_TEXT:,} characters, {operations.MAX_ITEMS:,} elements",
    ]
    assert conversions.MAX_PARTS == operations.MAX_ITEMS
    for bound in bounds:
        assert re.sub(r"(\d),(\d)", r"\1 \2", bound) in MANUAL
