"""The rules of a fresh install are rules that a user could have written."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from api_gateway.app import refusal_of_template
from api_gateway.domain.rule_resolve import resolve
from api_gateway.domain.rule_review import review
from api_gateway.domain.rules import StoredRule
from service_runtime import templating

MIGRATION = Path(__file__).parents[1] / "migrations" / "0001_alert_rules.py"
CONTEXT = {
    "labels": {"service": "pay"},
    "group": {"service": "pay"},
    "aggregates": {"count": 101, "p95": 1234.5},
    "threshold": 100,
    "severity": "critical",
}


def load() -> ModuleType:
    """Return the migration as a module."""
    spec = importlib.util.spec_from_file_location("first_migration", MIGRATION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DEFAULT_RULES = load().DEFAULT_RULES


@pytest.mark.parametrize("rule_id", DEFAULT_RULES)
def test_a_default_rule_is_sound(rule_id: str) -> None:
    document = DEFAULT_RULES[rule_id]
    assert review(document, tenant="default", check_template=refusal_of_template) == []
    rule = resolve(StoredRule("default", rule_id, 1, document, created_at=0, updated_at=0))
    assert rule.group_by == ("service",)
    assert rule.window.size == 300_000


def test_the_default_rules_are_those_that_were_promised() -> None:
    found = {
        rule_id: (rule["type"], rule["threshold"], rule["severity"])
        for rule_id, rule in DEFAULT_RULES.items()
    }
    assert found == {
        "default-error-count": ("ERROR_THRESHOLD", 100, "CRITICAL"),
        "default-latency": ("LATENCY", 1000, "HIGH"),
        "default-server-errors": ("SERVER_ERROR", 25, "CRITICAL"),
    }


@pytest.mark.parametrize("rule_id", DEFAULT_RULES)
def test_its_texts_render(rule_id: str) -> None:
    texts = DEFAULT_RULES[rule_id]["annotations"]
    assert set(texts) == {"summary", "description", "runbook"}
    for text in texts.values():
        assert "pay" in templating.render(text, CONTEXT, strict=True)
