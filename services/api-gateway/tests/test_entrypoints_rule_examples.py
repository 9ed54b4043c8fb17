"""The rules that the OpenAPI document shows."""

import pytest

from alert_contracts.rules import RuleType
from api_gateway.entrypoints.rule_examples import EXAMPLES
from api_gateway.testing import World

PATH = "/api/alert-rules"


@pytest.mark.parametrize("kind", EXAMPLES)
async def test_every_example_of_the_api_is_a_rule(world: World, kind: str) -> None:
    answer = await world.client.post(f"{PATH}/validate", json=dict(EXAMPLES[kind]))
    assert (answer.status_code, answer.json().get("type")) == (201, kind), answer.text


def test_there_is_one_of_every_type() -> None:
    assert set(EXAMPLES) == {kind.value for kind in RuleType}
