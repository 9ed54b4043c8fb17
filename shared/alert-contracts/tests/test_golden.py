"""Every sample ever published parses for ever, and keeps its meaning when written again.

A contract only ever grows: what is written may have members that an older sample lacks.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alert_contracts.alerts import decode_alert, encode_alert
from alert_contracts.events import decode_batch, encode_batch
from alert_contracts.notifications import decode_notification, decode_result, encode
from alert_contracts.rule_status import decode_status, encode_status
from alert_contracts.rules import decode_rule, encode_rule

GOLDEN = Path(__file__).parent / "golden"
ROUND_TRIPS: dict[str, Callable[[bytes], bytes]] = {
    "log-batch": lambda value: encode_batch(decode_batch(value)),
    "rule": lambda value: encode_rule(decode_rule(value)),
    "rule-status": lambda value: encode_status(decode_status(value)),
    "alert": lambda value: encode_alert(decode_alert(value)),
    "notification": lambda value: encode(decode_notification(value)),
    "delivery-result": lambda value: encode(decode_result(value)),
}


@pytest.mark.parametrize("sample", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_a_published_sample_parses_and_keeps_its_meaning(sample: Path) -> None:
    kind = sample.stem.rsplit("-", 1)[0]
    value = sample.read_bytes()
    lines = zip(value.splitlines(), ROUND_TRIPS[kind](value).splitlines(), strict=True)
    for published, written in lines:
        assert _within(json.loads(published), json.loads(written))


def _within(old: Any, new: Any) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(old, dict):
        return all(name in new and _within(each, new[name]) for name, each in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_within, old, new))
    return bool(old == new)


def test_every_kind_has_a_sample() -> None:
    assert {path.stem.rsplit("-", 1)[0] for path in GOLDEN.iterdir()} == set(ROUND_TRIPS)


def test_a_member_of_tomorrow_is_ignored_today() -> None:
    value = (GOLDEN / "rule-1.json").read_bytes().replace(b"{", b'{"fromTomorrow":[1],', 1)
    assert decode_rule(value).name == "High Error Rate"
