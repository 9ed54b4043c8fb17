"""Every rule that the page about rules shows is one that the gateway takes."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from alert_contracts.rules import RuleType
from api_gateway.domain.rule_texts import example
from api_gateway.testing import World
from api_gateway.testing.rules import sent

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
JSON = re.compile(r"^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN: list[dict[str, Any]] = [json.loads(block) for block in JSON.findall(PAGE)]
RULES = [rule for rule in SHOWN if "type" in rule]
PARTS = [part for part in SHOWN if "type" not in part]
NAME = re.compile(r"`(\w+)`")
SECTIONS = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
async def test_a_rule_of_the_page_is_taken_as_it_stands(world: World, rule: dict[str, Any]) -> None:
    answer = await world.client.post("/api/alert-rules", json=rule)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("part", PARTS, ids=str)
async def test_a_part_of_a_rule_is_taken_as_it_stands(world: World, part: dict[str, Any]) -> None:
    rule = {"name": "whole", "type": "ERROR_THRESHOLD", "threshold": 1, "severity": "LOW", **part}
    answer = await world.client.post("/api/alert-rules", json=rule)
    assert answer.status_code == 201, answer.text


def test_the_page_has_a_section_and_an_example_of_every_type() -> None:
    kinds = {kind.value for kind in RuleType}
    assert set(SECTIONS) >= kinds
    assert {rule["type"] for rule in RULES} == kinds


def test_the_page_names_everything_that_texts_see() -> None:
    table = PAGE[PAGE.index("| they see |") : PAGE.index("Any other name is refused")]
    named = {name for row in table.split("\n| ")[1:] for name in NAME.findall(row.split(" | ")[0])}
    alert = example(sent(RuleType.ERROR_THRESHOLD), "default")
    assert named == alert.keys() - cast("dict[str, float]", alert["aggregates"]).keys()


def test_the_page_names_every_field_of_a_rule(world: World) -> None:
    fields = world.front.app.openapi()["components"]["schemas"]["RuleDocument"]["properties"]
    missing = [name for name in fields if f"`{name}" not in PAGE and f'"{name}"' not in PAGE]
    assert missing == []
