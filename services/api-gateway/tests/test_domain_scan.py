"""Broken JSON: parted without a decoder, and explained by field."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api_gateway.domain import scan
from api_gateway.domain.scan import TooTangledError, elements, explain, holds_more_values


def test_elements_are_parted_at_the_commas_of_the_array_alone() -> None:
    body = rb' [ {"a":[1,2],"b":"x,]\"}"} , NaN,, [1] , "t" ] '
    assert elements(body) == [rb'{"a":[1,2],"b":"x,]\"}"}', b"NaN", b"[1]", b'"t"']


@pytest.mark.parametrize("body", [b"", b"{}", b"x", b"  "])
def test_what_does_not_begin_as_an_array_is_refused(body: bytes) -> None:
    with pytest.raises(TooTangledError, match="no JSON array"):
        elements(body)


def test_what_follows_the_end_is_an_element_of_its_own() -> None:
    assert elements(b"[1] x") == [b"1", b"x"]
    assert elements(b"[1]]") == [b"1", b"]"]
    assert elements(b'[{"a":1}]},{}') == [b'{"a":1}', b"}", b"{}"]


def test_an_array_that_is_cut_off_keeps_what_came_before() -> None:
    assert elements(b'[{"a":1},{"a":"x') == [b'{"a":1}', b'{"a":"x']
    assert elements(b"[") == []


def test_a_tangle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_TOKENS", 5)
    with pytest.raises(TooTangledError, match="too long"):
        elements(b"[" + b"1," * 20)


def test_a_text_too_long_to_be_one_step_is_given_up() -> None:
    with pytest.raises(TooTangledError, match="over 8388608 bytes"):
        elements(b'["' + b"\\n" * 4_200_000)


@pytest.mark.parametrize(
    ("text", "pointer", "reason"),
    [
        (b'{"a":{"b":[1,NaN]}}', "/a/b/1", "is not a finite number"),
        (b'{"a":-Infinity}', "/a", "is not a finite number"),
        (b'{"a":1e999}', "/a", "is not a finite number"),
        (b'{"a":"\\ud800"}', "/a", "is not valid UTF-8, or holds half of a surrogate pair"),
        (b'{"a":"\xff"}', "/a", "is not valid UTF-8, or holds half of a surrogate pair"),
        (b'{"a":"\x00"}', "/a", "holds a NUL character"),
        (b'{"a":"x\ny"}', "", "is malformed JSON: control characters in a text must be escaped"),
        (b'{"a"', "", "is malformed JSON: Expecting ':' delimiter (character 4)"),
        (b'{"a":' + b"9" * 5_000 + b"}", "", "is malformed JSON: a number has too many digits"),
        (b"[NaN]", "/0", "is not a finite number"),
        (b'{"a":{"\\ud800":1}}', "/a/?", "is not valid UTF-8, or holds half of a surrogate pair"),
        (b'{"' + b"k" * 9_999 + b'":NaN}', "/" + "k" * 511, "is not a finite number"),
        (b'{"a":1,"k\xc3\xa9":' + b"[" * 10, "/ké", "is nested more than 8 deep"),
        (b'{"a":"v","b":' + b'{"c":' * 10, "/b", "is nested more than 8 deep"),
        (b"[" * 100_000, "", "is nested more than 8 deep"),
        (b'{"a":{},"b":{},"c":NaN}', "/c", "is not a finite number"),
    ],
)
def test_a_broken_event_is_explained(text: bytes, pointer: str, reason: str) -> None:
    error = explain(text)
    assert (error.pointer, error.reason) == (pointer, reason)


@pytest.mark.parametrize(
    "text",
    [b'{"a":"' + b"\\x" * 500_000, b'{"' + b"k" * 1_000_000, b'"' * 200_000, b"{" * 1_000_000],
    ids=["escapes", "one long name", "quotes", "braces"],
)
def test_no_text_takes_long(text: bytes) -> None:
    """Whoever went back over it would need hours; what others compute meanwhile is no matter."""
    started = time.thread_time()
    explain(text)
    elements(b"[" + text)
    assert time.thread_time() - started < 10


@given(
    body=st.binary(max_size=50).map(lambda part: part * 4_000) | st.binary(),
    limit=st.integers(0, 200_000),
)
@example(body=b"x" * 65_536 + b"," * 11, limit=10)
@example(body=b"x" * 65_536 + b"," * 11, limit=11)
def test_values_are_counted_by_what_parts_them(body: bytes, limit: int) -> None:
    assert holds_more_values(body, limit) == (sum(map(body.count, b",{[\n")) > limit)
