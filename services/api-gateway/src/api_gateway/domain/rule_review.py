"""Whether a rule makes sense as a whole: everything that is wrong with it, at once."""

from collections.abc import Iterator
from typing import Final

from alert_contracts import durations
from alert_contracts.forgetting import least_forget
from api_gateway.domain import (
    rule_document,
    rule_expressions,
    rule_groups,
    rule_levels,
    rule_never,
    rule_periods,
    rule_texts,
    rule_types,
    rule_windows,
)
from api_gateway.domain.refusals import FieldError
from api_gateway.domain.rule_document import Problem, Sent, WindowDocument, is_wrong
from api_gateway.domain.rule_texts import CheckTemplate
from api_gateway.domain.values import check_value

MAX_PROBLEMS: Final = 100


def review(sent: Sent, *, tenant: str, check_template: CheckTemplate) -> list[Problem]:
    """Return what is wrong with a rule; nothing if it can be stored and published."""
    try:
        check_value(dict(sent), "", 0)
    except FieldError as exc:
        return [Problem(exc.pointer, exc.reason)]
    problems = rule_document.check(sent)
    wrong = {problem.pointer for problem in problems}
    windows = list(rule_windows.check(sent, wrong))
    found = [
        *problems,
        *rule_types.check(sent, wrong),
        *rule_expressions.check(sent, wrong, tenant),
        *rule_never.check(sent, wrong, tenant),
        *rule_levels.check(sent, wrong),
        *windows,
        *rule_windows.check_load(sent, wrong),
        *rule_periods.check(sent, wrong),
        *rule_groups.check(sent, wrong),
        *_forgotten(sent, wrong | {problem.pointer for problem in windows}),
        *rule_texts.check(sent, wrong, tenant, check_template),
    ]
    return found[:MAX_PROBLEMS]


def _forgotten(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    forget, window = sent.get("forget"), sent.get("window")
    if forget is None or is_wrong(wrong, "/for", "/window"):
        return
    given = None if window is None else WindowDocument.model_validate(window)
    hold = durations.parse(sent.get("for", "0s"))
    least = least_forget(rule_windows.window_of(given, sent.get("windowMinutes")), hold)
    if durations.parse(forget) < least:
        reason = "is too short: a group could be forgotten before its silence is told of"
        yield Problem(
            "/forget", f"{reason}; with this window, say at least {durations.show(least)}"
        )
