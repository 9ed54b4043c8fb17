"""State that cannot be read is refused in words that say what to do."""

from collections.abc import Callable

import msgspec
import pytest

from alert_rule_engine.domain.journal import restore
from alert_rule_engine.domain.seals import StateFormatError, checksum, seal
from alert_rule_engine.entrypoints.aggregate import GROUP, TABLE
from alert_rule_engine.testing import LATENESS, book_of

HEAD = b"parts 1 2"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lambda: b"\x09abcdef", "has format unknown"),
        (lambda: seal(b"whatever")[:-1], "is damaged"),
        (lambda: seal(msgspec.msgpack.encode([1, {}])), "another version .*at least length"),
        (lambda: HEAD + b" " + checksum(HEAD).hex().encode(), "is missing"),
    ],
    ids=["another format", "damaged", "another shape", "a part is gone"],
)
def test_it_is_said_which_topic_to_delete_and_what_comes_of_it(
    value: Callable[[], bytes], why: str
) -> None:
    with pytest.raises(StateFormatError, match=why) as refused:
        restore(0, {b"0:v": value()}, book=book_of(), lateness=LATENESS)
    said = str(refused.value)
    assert f"delete the topic {GROUP}-{TABLE}-changelog while no engine runs" in said
    assert "provision again" in said
