"""Labels are named as Prometheus names them."""

import pytest

from alert_contracts.labels import label_of


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("service", "service"),
        ("attributes.k8s.pod", "k8s_pod"),
        ("attributes.1abc", "_1abc"),
        ("attributes.größe", "gr__e"),
    ],
)
def test_a_label_has_the_name_of_its_field_in_signs_that_names_may_have(
    field: str, label: str
) -> None:
    assert label_of(field) == label
