"""Whether a rule makes sense as a whole: everything that is wrong with it, at once."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from alert_contracts import durations
from api_gateway.domain import (
    rule_document,
    rule_expressions,
    rule_groups,
    rule_levels,
    rule_periods,
    rule_texts,
    rule_types,
    rule_windows,
)
from api_gateway.domain.refusals import FieldError
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_texts import CheckTemplate
from api_gateway.domain.values import check_value

MAX_PROBLEMS: Final = 100
Sent = Mapping[str, Any]


def review(sent: Sent, *, tenant: str, check_template: CheckTemplate) -> list[Problem]:
    """Return what is wrong with a rule; nothing if it can be stored and published."""
    try:
        check_value(dict(sent), "", 0)
    except FieldError as exc:
        return [Problem(exc.pointer, exc.reason)]
    _, problems = rule_document.parse(sent)
    wrong = {problem.pointer for problem in problems}
    found = [
        *problems,
        *rule_types.check(sent, wrong),
        *rule_expressions.check(sent, wrong, tenant),
        *rule_levels.check(sent, wrong),
        *rule_windows.check(sent, wrong),
        *rule_windows.check_load(sent, wrong),
        *rule_periods.check(sent, wrong),
        *rule_groups.check(sent, wrong),
        *_forgotten(sent, wrong),
        *rule_texts.check(sent, wrong, tenant, check_template),
    ]
    return found[:MAX_PROBLEMS]


def _forgotten(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    forget = sent.get("forget")
    if forget is None or any(pointer.startswith(("/forget", "/window")) for pointer in wrong):
        return
    window = sent.get("window") or {
        "size": f"{sent.get('windowMinutes', rule_windows.DEFAULT_MINUTES)}m"
    }
    if durations.parse(forget) <= durations.parse(window["size"]):
        yield Problem("/forget", "is no longer than the window: no silence would ever be told of")
