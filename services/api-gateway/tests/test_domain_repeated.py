"""Members that are given twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.domain.repeated import repeated


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        (b'{"a":1,"b":{"a":1}}', []),
        (b'{"a":1,"a":1}', ["/a"]),
        (b'{"a":1,"a":1,"a":1}', ["/a"]),
        (b'{"a":{"b":1,"\\u0062":2}}', ["/a/b"]),
        (b'[{"a":1},{"a":1,"a":2}]', ["/1/a"]),
        (b'{"a":{"x":1,"x":2},"a":{"y/z":1,"y/z":2}}', ["/a", "/a/x", "/a/y~1z"]),
        (b"5", []),
    ],
)
def test_each_is_named_by_its_pointer(text: bytes, pointers: list[str]) -> None:
    assert repeated(text) == pointers


def test_the_list_is_bounded() -> None:
    text = b"{" + b",".join(b'"%d":1,"%d":2' % (number, number) for number in range(200)) + b"}"
    assert len(repeated(text)) == 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(document=JSON)
def test_what_an_encoder_writes_has_none(document: object) -> None:
    assert repeated(json.dumps(document).encode()) == []
