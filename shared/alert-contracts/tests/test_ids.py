"""Identities are stable, apart where facts differ, and Prometheus' where it has one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_contracts import ids

LABELS = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, "cbf29ce484222325"),
        ({"name": "garland, briggs", "fear": "love is not enough"}, "507a62d79ee76c9a"),
    ],
)
def test_label_fingerprints_are_those_of_prometheus(labels: dict[str, str], expected: str) -> None:
    assert ids.label_fingerprint(labels) == expected


def test_a_fingerprint_is_rule_resource_and_severity_whatever_the_case_of_severity() -> None:
    def of(**changed: str) -> str:
        facts = {"tenant": "t", "rule_id": "r", "severity": "HIGH", **changed}
        group = {"service": facts.pop("service", "a")}
        return ids.fingerprint(**facts, group=group)

    assert of() == of(severity="high")
    assert len({of(), of(tenant="u"), of(rule_id="s"), of(severity="LOW"), of(service="b")}) == 5


@given(one=LABELS, other=LABELS)
def test_alert_ids_are_equal_only_for_equal_groups(
    one: dict[str, str], other: dict[str, str]
) -> None:
    def of(group: dict[str, str]) -> str:
        return ids.alert_id(tenant="t", rule_id="r", revision=1, group=group, window_start=0)

    assert (of(one) == of(other)) == (one == other)


@given(
    st.lists(st.text(max_size=3), min_size=2, max_size=2),
    st.lists(st.text(max_size=3), min_size=2, max_size=2),
)
def test_parts_cannot_be_shifted_between_each_other(one: list[str], other: list[str]) -> None:
    def of(parts: list[str]) -> str:
        return ids.notification_id(alert=parts[0], transition=parts[1], receiver="r")

    assert (of(one) == of(other)) == (one == other)


def test_a_repeated_request_has_the_batch_id_that_it_had() -> None:
    assert ids.batch_id(tenant="t", idempotency_key="k", part=0) == ids.batch_id(
        tenant="t", idempotency_key="k", part=0
    )
    assert ids.batch_id(tenant="t", idempotency_key="k", part=1) != ids.batch_id(
        tenant="t", idempotency_key="k", part=0
    )
