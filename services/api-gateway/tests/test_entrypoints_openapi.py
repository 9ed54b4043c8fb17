"""The OpenAPI document, and the rules that it shows."""

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


async def test_the_openapi_document_is_whole(world: World) -> None:
    document = (await world.client.get("/openapi.json")).json()
    assert (await world.client.get("/openapi.json")).json() == document
    assert {"/api/logs", "/api/logs/batch", PATH, f"{PATH}/{{rule_id}}"} <= set(document["paths"])
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    for path, _, operation in operations:
        if path.startswith("/api"):
            assert "503" in operation["responses"] or path.endswith("/validate")
            assert any(status.startswith("4") for status in operation["responses"])
    schemas = document["components"]["schemas"]
    assert {"RuleDocument", "RuleView", "LogEvent", "ProblemView"} <= set(schemas)
    assert all(reference in schemas for reference in references(document))


def references(node: object) -> set[str]:
    """Return the names of the schemas that a document refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {str(node["$ref"]).rpartition("/")[2]} if "$ref" in node else set()
    return own.union(*map(references, node.values()))
