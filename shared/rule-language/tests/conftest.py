"""The two sides of every test of the standard: CEL's reference implementation, and ours.

`§` stands before an event's field: ours has the fields as variables, the reference has them in a
map `e`, so that `has(e.host)` is standard there.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from alert_contracts.events import Event
from rule_language import code, compile_match
from rule_language.checker import check
from rule_language.parser import parse
from rule_language.results import Nothing
from rule_language.schema import Type, event_schema
from rule_language.truth import Program

UNDECIDED = "undecided"
REFERENCE = cel.NewEnv(
    variables={"e": cel.Type.Map(cel.Type.STRING, cel.Type.DYN), "time": cel.Type.TIMESTAMP},
    extensions=[ext_strings.ExtStrings()],
)
Side = Callable[[str, Event], Any]


def _reference(template: str, event: Event) -> Any:  # noqa: ANN401 - any value of CEL
    fields = {
        "service": event.service,
        "message": event.message,
        "level": event.level,
        "host": event.host,
        "statusCode": event.status_code,
        "responseTime": event.response_time,
        "traceId": event.trace_id,
        "tenant": "default",
        "attributes": event.attributes,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event.timestamp)
    source = template.replace("§timestamp", "time").replace("§", "e.")
    answer = REFERENCE.compile(source, disable_check=True).eval(data={"e": present, "time": time})
    return UNDECIDED if answer.type() == cel.Type.ERROR else answer.plain_value()


def _ours(template: str, event: Event) -> Any:  # noqa: ANN401 - any value of CEL
    checked = check(
        parse(template.replace("§", "")),
        event_schema("default"),
        expected=frozenset(Type),
        purpose="this",
    )
    program = Program(checked, "event")
    tree = program.perhaps(checked.root)
    found = code.built(code.function(["event"], tree), program.constants)(event)
    return UNDECIDED if isinstance(found, Nothing) else found


def _asked(template: str, event: Event) -> Any:  # noqa: ANN401 - a bool or UNDECIDED
    source = template.replace("§", "")
    if compile_match(source).test(event):
        return True
    return False if compile_match(f"!({source}\n)").test(event) else UNDECIDED


@pytest.fixture(scope="session")
def reference() -> Side:
    """Return the value that the reference implementation gives, or `undecided`."""
    return _reference


@pytest.fixture(scope="session")
def ours() -> Side:
    """Return the value that we give, or `undecided`."""
    return _ours


@pytest.fixture(scope="session")
def asked() -> Side:
    """Put the question in both of its fast forms: is it surely true, is it surely false?"""
    return _asked
