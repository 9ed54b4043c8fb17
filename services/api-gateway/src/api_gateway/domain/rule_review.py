"""Whether a rule makes sense as a whole: everything that is wrong with it, at once."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api_gateway.domain import (
    durations,
    rule_document,
    rule_expressions,
    rule_periods,
    rule_texts,
    rule_types,
    rule_windows,
)
from api_gateway.domain.refusals import FieldError, step
from api_gateway.domain.rule_document import Problem
from api_gateway.domain.rule_texts import CheckTemplate
from api_gateway.domain.values import check_value

MAX_PROBLEMS: Final = 100
RESERVED_LABELS: Final = frozenset({"alertname", "severity", "rule_id", "tenant"})
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
        *rule_windows.check(sent, wrong),
        *rule_periods.check(sent, wrong),
        *_labels(sent, wrong),
        *_groups(sent, wrong),
        *_expected(sent, wrong),
        *_forgotten(sent, wrong),
        *rule_texts.check(sent, wrong, tenant, check_template),
    ]
    return found[:MAX_PROBLEMS]


def _is_wrong(field: str, wrong: set[str]) -> bool:
    return any(pointer.startswith(field) for pointer in wrong)


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
    if not isinstance(grouped, list) or _is_wrong("/groupBy", wrong):
        return
    for index, field in enumerate(grouped):
        label = field.removeprefix("attributes.")
        if label in RESERVED_LABELS:
            yield Problem(f"/groupBy/{index}", f"would overwrite the label {label}, set by us")


def _expected(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    if _is_wrong("/groupBy", wrong) or _is_wrong("/expect", wrong):
        return
    fields = sent.get("groupBy", ["service"])
    for index, group in enumerate(sent.get("expect", ())):
        texts = [group] if isinstance(group, str) else group
        if len(texts) != len(fields):
            reason = f"has {len(texts)} texts, but groupBy {len(fields)} fields"
            yield Problem(f"/expect/{index}", reason)


def _forgotten(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    forget = sent.get("forget")
    if forget is None or {"/forget", "/windowMinutes"} & wrong or _is_wrong("/window", wrong):
        return
    window = sent.get("window") or {
        "size": f"{sent.get('windowMinutes', rule_windows.DEFAULT_MINUTES)}m"
    }
    if durations.parse(forget) <= durations.parse(window["size"]):
        yield Problem("/forget", "is no longer than the window: no silence would ever be told of")
