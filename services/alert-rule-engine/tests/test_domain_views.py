"""How a batch is decoded: what is no batch is refused, and services become texts that are known."""

from collections.abc import Iterable

import msgspec
import pytest

from alert_contracts.events import encode_batch
from alert_rule_engine.domain.ruleset import RuleSet
from alert_rule_engine.domain.views import MAX_KNOWN, Decoder
from alert_rule_engine.testing import NOON, an_error


def test_services_that_repeat_are_decoded_to_one_text_and_all_others_as_they_are() -> None:
    rule_set = RuleSet([])
    batch = encode_batch([an_error(service=f"pay ü{n % 7}", level="ODD") for n in range(600)])
    for _ in range(3):
        events = rule_set.decode(batch, NOON).events
        assert [event.service for event in events] == [f"pay ü{n % 7}" for n in range(600)]
        assert {(event.service.__class__, event.level) for event in events} == {(str, "ODD")}
    assert len({id(event.service) for event in events}) == 7
    known = RuleSet([], before=rule_set).decode(batch, NOON).events
    assert {id(event.service) for event in known} == {id(event.service) for event in events}


def test_services_without_number_are_not_all_remembered() -> None:
    decoder = Decoder([])
    for number in range(12):
        services = [f"{number}/{each}" for each in range(MAX_KNOWN // 3)]
        for _ in range(2):
            batch = encode_batch([an_error(service=each) for each in services])
            assert [event.service for event in decoder.decode(batch)] == services
    assert 0 < len(decoder.known) <= MAX_KNOWN


def _of_services(names: Iterable[str]) -> bytes:
    texts = [f'{{"timestamp":1,"service":"{name}","message":"m"}}' for name in names]
    return "\n".join(texts).encode()


def test_services_that_come_again_only_after_thousands_are_known_in_the_end() -> None:
    decoder = Decoder([])
    for start in range(0, 40_000, 1_000):
        decoder.decode(
            _of_services(f"pod-{number % 3_000}" for number in range(start, start + 1_000))
        )
    assert len(decoder.known) > 3_000


def test_services_that_never_come_again_are_looked_up_no_more_until_rules_change() -> None:
    decoder = Decoder([])
    for start in range(0, 20_000, 1_000):
        events = decoder.decode(_of_services(f"job-{start + number}" for number in range(1_000)))
        assert events[7].service == f"job-{start + 7}"
    assert not decoder.known
    assert Decoder([], decoder).known


def test_poison_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        RuleSet([]).decode(b"nonsense", NOON)
