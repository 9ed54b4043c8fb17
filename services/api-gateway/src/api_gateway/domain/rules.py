"""A stored rule: what the user sent, its revisions, and how one becomes the next."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from api_gateway.domain.rule_document import READ_ONLY, RuleDocument

Document = Mapping[str, Any]


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
        """Return the next revision."""
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
    """Return what is the user's to set; null means: not set. One interval becomes a list of it."""
    kept = {k: v for k, v in sent.items() if k not in READ_ONLY and v is not None}
    window, active = kept.get("window"), kept.get("activeTime")
    if isinstance(window, Mapping):
        kept["window"] = {k: v for k, v in window.items() if v is not None}
    if isinstance(active, Mapping):
        kept["activeTime"] = [active]
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
