"""What is looked for in the place of a pattern is in every text in which the pattern is."""

import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rule_language import compile_match
from rule_language.patterns import WORDS
from rule_language.pieces import telling_piece

PARTS = [
    *("a", "b", "c", " ", "A", ".", "(", "(?:", "(?i:", ")", ")", "|", "*", "+", "?", "{2}"),
    *("{0,2}", "{1,}", "{,2}", "*?", "^", "$", "-", "[ab]", "[^a-c]", "[]a]", "[^]a]", "[a-]"),
    *("[[:alpha:]b]", "[[:^digit:]]", "(?i)", "(?s)", "(?m:", "(?P<n>", ".*", ".*", ".*?", ".+"),
    *("\n", r"\d", r"\W", r"[\D\s-]", r"\A", r"\z", r"\b", r"\B", r"\Qa.", r"\E", r"\x61"),
    *(r"\x{62}", r"\07", r"\pL", r"\PL", r"\p{Greek}", r"\C", r"\.", r"\\", r"\*", "\u00e4"),
]
PATTERNS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=9).map("".join)
TEXTS = st.lists(st.text("abcAB .\n\u00e41-]*\\", max_size=9), min_size=8, max_size=8)
QUIET = re2.Options()
QUIET.log_errors = False


def found(pattern: str, text: str) -> bool:
    return re2.search(pattern, text, QUIET) is not None


@settings(max_examples=400, deadline=None)
@given(PATTERNS, TEXTS)
def test_where_a_pattern_is_its_piece_is_too(pattern: str, texts: list[str]) -> None:
    try:
        re2.compile(pattern, QUIET)
    except re2.error:
        assume(False)  # noqa: FBT003 - hypothesis' own
    piece = telling_piece(pattern)
    for text in texts:
        if piece is not None and found(pattern, text):
            assert found(piece, text)


@pytest.mark.parametrize(
    ("pattern", "piece"),
    [
        (".*time out.*", "time out"),
        ("error.*time(d )?out$", "time(d )?out$"),
        ("(?i).*refused|.*broken.*pipe", "(?i)refused|broken"),
        (r"^user=\S+ id=\d+", "^user="),
        ("(GET|POST) /.{0,9}/x", "(GET|POST) /"),
        ("(.*a)+bc", "bc"),
        ("x(ab)*yy((a|b)c)?", "yy((a|b)c)?"),
        (r"(\d{1,3}\.){3}\d{1,3}", r"(\d{1,3}\.){3}\d{1,3}"),
        (r"a\.*b|[]a]*\*.*", r"a\.*b|\*"),
    ],
)
def test_the_piece_is_the_longest_without_a_gap(pattern: str, piece: str) -> None:
    assert telling_piece(pattern) == piece
    assert compile_match(f"message.matches(r'{pattern}')").patterns == {"message": piece}


@pytest.mark.parametrize(
    "pattern", [".*", r"\d+", "a|.*", "(a.*b)", "a(?i)b.*", r"\Qa.*\E", "^$", "a?"]
)
def test_what_says_nothing_has_no_piece(pattern: str) -> None:
    assert telling_piece(pattern) is None
    assert compile_match(f"message.matches(r'{pattern}')").patterns == {}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([".*", ".*?", "a", "b ", "_", "."]), max_size=5), TEXTS)
def test_words_that_may_stand_anywhere_are_found_as_the_pattern_is(
    parts: list[str], texts: list[str]
) -> None:
    pattern = "".join(parts)
    words = WORDS.fullmatch(pattern)
    for text in texts:
        if words:
            assert (words[1] in text) is found(pattern, text)
