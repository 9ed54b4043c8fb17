"""Whether a rule makes sense as a whole: everything that is wrong with it, at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from alert_contracts.rules import DEFAULTS, RuleType
from api_gateway.domain import durations, rule_document
from api_gateway.domain.refusals import FieldError, step
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.values import check_value
from rule_language import (
    RuleLanguageError,
    compile_condition,
    compile_match,
    compile_value,
)

MAX_PROBLEMS: Final = 100
RESERVED_LABELS: Final = frozenset({"alertname", "severity", "rule_id", "tenant"})
_OF_VALUE: Final = frozenset({"sum", "avg", "min", "max", "p50", "p90", "p95", "p99"})
CheckTemplate = Callable[[str], str | None]
"""Returns why a text is no template, or None."""
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
        *_expressions(sent, wrong, tenant),
        *_window(sent, wrong),
        *_labels(sent, wrong),
        *_groups(sent, wrong),
        *_annotations(sent, wrong, check_template),
    ]
    return found[:MAX_PROBLEMS]


def _expressions(sent: Sent, wrong: set[str], tenant: str) -> Iterator[Problem]:
    kind = sent.get("type")
    known = kind if isinstance(kind, str) and kind in RuleType.__members__ else None
    defaults = DEFAULTS[RuleType(known)] if known else None
    match = sent.get("match") or (defaults and defaults.match)
    value = sent.get("value") or (defaults and defaults.value)
    condition = sent.get("condition") or (defaults and defaults.condition)
    if match and "/match" not in wrong:
        yield from _compiled("/match", lambda: compile_match(match, tenant=tenant))
    elif known and not match:
        yield Problem("/match", f"is required for {known}")
    if value and "/value" not in wrong:
        yield from _compiled("/value", lambda: compile_value(value, tenant=tenant))
    if condition and "/condition" not in wrong:
        yield from _condition(condition, sent, has_value=bool(value) or not known)


def _compiled(pointer: str, compile_it: Callable[[], object]) -> Iterator[Problem]:
    try:
        compile_it()
    except RuleLanguageError as exc:
        yield Problem(pointer, str(exc), exc.line, exc.column)


def _condition(text: str, sent: Sent, *, has_value: bool) -> Iterator[Problem]:
    try:
        variables = compile_condition(text).variables
    except RuleLanguageError as exc:
        yield Problem("/condition", str(exc), exc.line, exc.column)
        return
    if "threshold" in variables and sent.get("threshold") is None:
        yield Problem("/threshold", f"is required: the condition `{text}` uses it")
    needing = sorted(variables & _OF_VALUE)
    if needing and not has_value:
        yield Problem("/value", f"is required: the condition uses {', '.join(needing)}")


def _window(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    window = sent.get("window")
    if window is None or any(pointer.startswith("/window") for pointer in wrong):
        return
    if sent.get("windowMinutes") is not None:
        yield Problem("/window", "give either windowMinutes or window, not both")
    if window.get("step") is None:
        return
    size, shift = durations.parse(window["size"]), durations.parse(window["step"])
    if shift > size:
        yield Problem("/window/step", "is longer than the window")
    elif window.get("kind", "tumbling") == "tumbling" and shift != size:
        reason = "a tumbling window steps by its size; leave step out, or say kind sliding"
        yield Problem("/window/step", reason)


def _labels(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    labels = sent.get("labels")
    if not isinstance(labels, dict) or "/labels" in wrong:
        return
    grouped = sent.get("groupBy", ["service"])
    for name in labels:
        if name in RESERVED_LABELS:
            yield Problem("/labels" + step(name), "is set by us")
        elif isinstance(grouped, list) and name in grouped:
            yield Problem("/labels" + step(name), "is set by groupBy")


def _groups(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    grouped = sent.get("groupBy")
    if not isinstance(grouped, list) or any(at.startswith("/groupBy") for at in wrong):
        return
    for index, field in enumerate(grouped):
        label = field.removeprefix("attributes.")
        if label in RESERVED_LABELS:
            yield Problem(f"/groupBy/{index}", f"would overwrite the label {label}, set by us")


def _annotations(sent: Sent, wrong: set[str], check: CheckTemplate) -> Iterator[Problem]:
    annotations = sent.get("annotations")
    if not isinstance(annotations, dict) or "/annotations" in wrong:
        return
    for name, text in annotations.items():
        reason = check(text) if isinstance(text, str) else None
        if reason is not None:
            yield Problem("/annotations" + step(name), reason)
