"""A stored rule: what the user sent, its revision, and what readers and the engine see of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from alert_contracts.rules import DEFAULTS, Rule, RuleType, Window
from alert_contracts.times import rfc3339
from api_gateway.domain import durations
from api_gateway.domain.rule_document import READ_ONLY, RuleDocument

Document = Mapping[str, Any]
DEFAULT_WINDOW_MINUTES: Final = 5
_MINUTE: Final = 60_000
_SLIDING_STEP: Final = 10_000


class Action(StrEnum):
    """What a revision did."""

    CREATED = "created"
    UPDATED = "updated"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class StoredRule(msgspec.Struct, frozen=True):
    """One rule as it is kept. Times are epoch ms."""

    tenant: str
    id: str
    revision: int
    document: Document
    """What the user sent, without what only we set."""
    created_at: int
    updated_at: int
    deleted_at: int | None = None
    published_revision: int = 0
    """The newest revision that is on the topic."""

    @property
    def parsed(self) -> RuleDocument:
        """The document, typed; it was valid when it was stored."""
        return RuleDocument.model_validate_json(msgspec.json.encode(self.document))

    def revised(self, document: Document, now: int) -> "StoredRule":
        """Return the next revision; the same one where nothing changes."""
        if document == self.document:
            return self
        return msgspec.structs.replace(
            self, revision=self.revision + 1, document=document, updated_at=now
        )

    def deleted(self, now: int) -> "StoredRule":
        """Return the last revision."""
        return msgspec.structs.replace(
            self, revision=self.revision + 1, updated_at=now, deleted_at=now
        )


class Revision(msgspec.Struct, frozen=True):
    """One step in a rule's history. `at` is epoch ms."""

    revision: int
    action: Action
    at: int
    document: Document


def action_of(before: StoredRule | None, after: StoredRule) -> Action:
    """Name what led from one revision to the next."""
    if before is None:
        return Action.CREATED
    if after.deleted_at is not None:
        return Action.DELETED
    if _without_switch(before.document) != _without_switch(after.document):
        return Action.UPDATED
    return Action.ENABLED if after.document.get("enabled", True) else Action.DISABLED


def _without_switch(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "enabled"}


def own_fields(sent: Document) -> dict[str, Any]:
    """Return what is the user's to set; null means: not set."""
    kept = {k: v for k, v in sent.items() if k not in READ_ONLY and v is not None}
    window = kept.get("window")
    if isinstance(window, Mapping):
        kept["window"] = {k: v for k, v in window.items() if v is not None}
    return kept


def merge(document: Document, patch: Document) -> dict[str, Any]:
    """Return the document with an RFC 7396 merge patch applied."""
    merged = dict(document)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = merge(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


def show(rule: StoredRule) -> dict[str, Any]:
    """Return the rule as REST shows it: as sent, defaults filled in, times as RFC 3339."""
    return {
        "id": rule.id,
        "revision": rule.revision,
        **show_document(rule.document),
        "createdAt": rfc3339(rule.created_at),
        "updatedAt": rfc3339(rule.updated_at),
    }


def show_document(document: Document) -> dict[str, Any]:
    """Return a document, valid, with its defaults filled in."""
    resolved = resolve(
        StoredRule("", "", revision=1, document=document, created_at=0, updated_at=0)
    )
    filled = {
        "name": resolved.name,
        "description": "",
        "type": resolved.type.value,
        "match": resolved.match,
        "value": resolved.value,
        "condition": resolved.condition,
        "threshold": None,
        "windowMinutes": None if "window" in document else DEFAULT_WINDOW_MINUTES,
        "groupBy": list(resolved.group_by),
        "severity": resolved.severity.value,
        "enabled": True,
        "minCount": resolved.min_count,
        "resolveAfter": durations.show(resolved.resolve_after),
        "maxGroups": resolved.max_groups,
        "labels": {},
        "annotations": {},
        "owner": "",
        **document,
    }
    if "window" in document:
        filled["window"] = {
            "kind": "tumbling",
            "step": durations.show(resolved.window.step),
            "allowedLateness": durations.show(resolved.window.allowed_lateness),
            **document["window"],
        }
    return {name: value for name, value in filled.items() if value is not None}


def resolve(rule: StoredRule) -> Rule:
    """Return the rule as the engine reads it: every default filled in."""
    document = rule.parsed
    defaults = DEFAULTS[RuleType(document.type)]
    window = _window(document)
    quiet = document.resolve_after
    return Rule(
        id=rule.id,
        tenant=rule.tenant,
        revision=rule.revision,
        name=document.name,
        type=document.type,
        match=document.match or defaults.match or "",
        condition=document.condition or defaults.condition,
        severity=document.severity,
        window=window,
        group_by=tuple(document.group_by),
        enabled=document.enabled,
        threshold=document.threshold,
        value=document.value or defaults.value,
        min_count=document.min_count or defaults.min_count,
        resolve_after=durations.parse(quiet) if quiet else window.size,
        max_groups=document.max_groups,
        description=document.description,
        owner=document.owner,
        labels=document.labels,
        annotations=document.annotations,
        updated_at=rule.updated_at,
    )


def _window(document: RuleDocument) -> Window:
    given = document.window
    if given is None:
        size = (document.window_minutes or DEFAULT_WINDOW_MINUTES) * _MINUTE
        return Window(size=size, step=size)
    size = durations.parse(given.size)
    step = size if given.kind == "tumbling" else min(size, _SLIDING_STEP)
    return Window(
        kind=given.kind,
        size=size,
        step=durations.parse(given.step) if given.step else step,
        allowed_lateness=durations.parse(given.allowed_lateness),
    )
