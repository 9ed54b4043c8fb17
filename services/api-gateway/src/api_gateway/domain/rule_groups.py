"""By what a rule keeps events apart, and the labels of its alerts."""

from collections.abc import Iterator
from typing import Final

from alert_contracts.labels import label_of
from api_gateway.domain.refusals import step
from api_gateway.domain.rule_document import Problem, Sent, is_wrong

RESERVED_LABELS: Final = frozenset({"alertname", "severity", "rule_id", "tenant"})


def fields_of(sent: Sent) -> list[str]:
    """Return the fields that a rule as sent groups by, as far as they are fields."""
    fields = sent.get("groupBy", ["service"])
    return [each for each in fields if isinstance(each, str)] if isinstance(fields, list) else []


def check(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    """Find labels that would overwrite others, and groups that cannot be."""
    yield from _labels(sent, wrong)
    if is_wrong(wrong, "/groupBy"):
        return
    yield from _groups(sent)
    if not is_wrong(wrong, "/expect"):
        yield from _expected(sent)
        if "/maxGroups" not in wrong:
            yield from _too_many(sent)


def _labels(sent: Sent, wrong: set[str]) -> Iterator[Problem]:
    labels = sent.get("labels")
    if not isinstance(labels, dict) or "/labels" in wrong:
        return
    grouped = set(map(label_of, fields_of(sent)))
    for name in labels:
        if name in RESERVED_LABELS:
            yield Problem("/labels" + step(name), "is set by us")
        elif name in grouped:
            yield Problem("/labels" + step(name), "is set by groupBy")


def _groups(sent: Sent) -> Iterator[Problem]:
    taken = dict.fromkeys(RESERVED_LABELS, "us")
    for index, field in enumerate(fields_of(sent)):
        label = label_of(field)
        if label in taken:
            reason = f"would overwrite the label {label}, set by {taken[label]}"
            yield Problem(f"/groupBy/{index}", reason)
        taken[label] = field


def _expected(sent: Sent) -> Iterator[Problem]:
    fields = fields_of(sent)
    for index, group in enumerate(sent.get("expect", ())):
        texts = [group] if isinstance(group, str) else group
        if len(texts) != len(fields):
            reason = f"has {len(texts)} texts, but groupBy {len(fields)} fields"
            yield Problem(f"/expect/{index}", reason)


def _too_many(sent: Sent) -> Iterator[Problem]:
    sent_groups = sent.get("expect", ())
    expected = len({(each,) if isinstance(each, str) else tuple(each) for each in sent_groups})
    if expected > sent.get("maxGroups", expected):
        reason = f"has {expected} groups, but maxGroups is {sent['maxGroups']}"
        yield Problem("/expect", reason)
