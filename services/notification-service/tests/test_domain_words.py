"""Texts of strangers, made safe to show."""

import unicodedata
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification_service.domain.words import clean, cut, line, link

TURNED = "pay\u202egnp.exe\u2066 \u200fx\u061c"


def test_what_a_reader_cannot_see_is_dropped() -> None:
    assert clean("a\x00b\x07c\x7f\x9bd\ufeff\u200be\ud800") == "abcde"
    assert clean("\x1b[1;31mERROR\x1b[0m done") == "ERROR done"
    assert clean("one\r\ntwo\rthree\u2028four\tfive") == "one\ntwo\nthree\nfour\tfive"


def test_nothing_turns_the_reading_direction_around() -> None:
    assert clean(TURNED) == "paygnp.exe x"


def test_letters_of_every_script_and_joined_emoji_stay() -> None:
    text = "zażółć \u0645\u06cc\u200c\u062e 日本 👩\u200d💻"
    assert clean(text) == text


@given(st.text())
def test_a_line_is_one_visible_line(text: str) -> None:
    shown = line(text)
    assert not any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in shown)
    assert clean(shown) == shown


@given(st.text(), st.integers(1, 20))
def test_a_cut_text_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
    assert cut(text, len(text) + 1) == text


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://x.example/a?b=c&d=%20#e", "https://x.example/a?b=c&d=%20#e"),
        ("http://x/pay|ments> <b>", "http://x/pay%7Cments%3E%20%3Cb%3E"),
        ("https://x/a\nb\u202e", "https://x/a%0Ab%E2%80%AE"),
        (' https://x/"ą\ud800" ', "https://x/%22%C4%85?%22"),
        ("javascript:alert(1)", ""),
        ("httpx://x", ""),
        ("", ""),
    ],
)
def test_a_link_is_percent_encoded_or_none(url: str, safe: str) -> None:
    assert link(url, 100) == safe


def test_half_a_link_is_none() -> None:
    assert link("https://x/" + "y" * 91, 100) == ""


@given(st.text())
def test_no_link_can_be_misread(text: str) -> None:
    made = link("https://x.example/" + text, 10_000)
    assert not set(made) & set("|<>\"'` \n\t\\^{}") - {"'"}
    assert made.isascii()
    assert urlsplit(made).scheme == "https"
