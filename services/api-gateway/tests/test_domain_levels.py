"""Levels: any case and the usual synonyms fold; the unknown stays unknown."""

import pytest

from alert_contracts.events import LEVELS
from api_gateway.domain.levels import KNOWN, UNKNOWN, fold


@pytest.mark.parametrize(
    ("written", "level"),
    [
        ("warn", "WARN"),
        ("Warning", "WARN"),
        ("err", "ERROR"),
        ("critical", "FATAL"),
        ("emerg", "FATAL"),
        ("PANIC", "FATAL"),
        ("eRRoR", "ERROR"),
        (" info ", "INFO"),
        ("notice", "INFO"),
        ("", ""),
        ("  ", ""),
        (None, ""),
        ("loud", UNKNOWN),
        ("unknown", UNKNOWN),
    ],
)
def test_a_level_folds(written: str | None, level: str) -> None:
    assert fold(written) == level


def test_every_level_is_one_that_rules_know() -> None:
    assert set(KNOWN.values()) | {UNKNOWN} == LEVELS
