"""Every sample ever published parses for ever, and says the same when written again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alert_contracts.alerts import decode_alert, encode_alert
from alert_contracts.events import decode_batch, encode_batch
from alert_contracts.notifications import decode_notification, decode_result, encode
from alert_contracts.rules import decode_rule, encode_rule

GOLDEN = Path(__file__).parent / "golden"
ROUND_TRIPS: dict[str, Callable[[bytes], bytes]] = {
    "log-batch": lambda value: encode_batch(decode_batch(value)),
    "rule": lambda value: encode_rule(decode_rule(value)),
    "alert": lambda value: encode_alert(decode_alert(value)),
    "notification": lambda value: encode(decode_notification(value)),
    "delivery-result": lambda value: encode(decode_result(value)),
}


@pytest.mark.parametrize("sample", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_a_published_sample_parses_and_keeps_its_meaning(sample: Path) -> None:
    kind = sample.stem.rsplit("-", 1)[0]
    value = sample.read_bytes()
    assert ROUND_TRIPS[kind](value) == value


def test_every_kind_has_a_sample() -> None:
    assert {path.stem.rsplit("-", 1)[0] for path in GOLDEN.iterdir()} == set(ROUND_TRIPS)


def test_a_member_of_tomorrow_is_ignored_today() -> None:
    value = (GOLDEN / "rule-1.json").read_bytes().replace(b"{", b'{"fromTomorrow":[1],', 1)
    assert decode_rule(value).name == "High Error Rate"
