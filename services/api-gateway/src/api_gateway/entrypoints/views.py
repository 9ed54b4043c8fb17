"""What the rule routes answer, for the OpenAPI document and its readers."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api_gateway.domain.rule_document import RuleDocument
from api_gateway.domain.rules import Action


class _View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class StatusView(_View):
    """How a rule fares; counts are since its windows began anew."""

    health: Literal["ok", "error", "quarantined", "unknown", "disabled"]
    """`unknown`: no worker of the engine told of this revision within the last minute."""
    last_error: str | None
    """The newest failure at run time of this revision."""
    last_error_at: str | None
    last_evaluation: str | None
    """Event time up to which all its windows were judged."""
    blind_until: str | None
    """Event time from which silence counts again, where it does not now: nobody could be heard, or
    not every event was counted. Of rules that judge by what is missing."""
    events_matched: int
    groups: int
    """Groups that it keeps apart now."""
    state_bytes: int
    firing: int
    """Alerts that fire now."""
    cpu_share: float
    """Of the engine's evaluation time, 0 to 1, by sampling."""
    late: int
    """Events that came too late for its windows."""
    surplus: int
    """Events that had no room: of groups beyond `maxGroups`, or values beyond those kept."""
    live_revision: int | None
    """The oldest revision that a worker has live; null until both stages have told."""


class RuleView(RuleDocument):
    """A rule with its defaults filled in."""

    id: str
    revision: int
    """Grows with each change; the ETag."""
    created_at: str = Field(examples=["2026-01-31T10:00:00.000Z"])
    updated_at: str = Field(examples=["2026-01-31T10:00:00.000Z"])
    status: StatusView | None = None
    """How it fares, where a rule is read; in lists only `health`, `lastError` and `firing`."""


class RulePage(_View):
    """Some rules, by name."""

    rules: list[RuleView]
    next_cursor: str | None
    """Leads to the next page; null on the last."""


class RevisionView(_View):
    """One step in a rule's history."""

    revision: int
    action: Action
    at: str
    rule: RuleDocument
    """The rule as of this revision, with its defaults filled in."""


class RevisionPage(_View):
    """Some revisions, newest first."""

    revisions: list[RevisionView]
    next_cursor: str | None


class FieldProblem(_View):
    """One wrong field."""

    pointer: str = Field(examples=["/condition"])
    """JSON pointer (RFC 6901)."""
    reason: str
    line: int | None = None
    """Of an expression that does not compile, from 1."""
    column: int | None = None
    index: int | None = None
    """Of an event in its batch, from 0."""


class ProblemView(_View):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]
    trace_id: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of a route."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemView"}}
    return {
        status: {"description": _MEANING[status], "content": {"application/problem+json": schema}}
        for status in statuses
    }


_MEANING: Final = {
    400: "The body is not what it should be",
    404: "There is no such rule",
    405: "Another method",
    408: "The body came too slowly",
    409: "There are as many rules as there may be",
    412: "The rule is at another revision than If-Match says",
    413: "The body is too large",
    415: "Another content type, or content encoding",
    422: "The rule is refused: every reason at once",
    503: "Kafka or Postgres is away; try again after Retry-After seconds, but if the answer has a "
    "Location, the change may be stored: look there first",
}
