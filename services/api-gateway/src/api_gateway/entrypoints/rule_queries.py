"""Which rules, and which part of a rule's history, a request asks for."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from alert_contracts.rules import RuleType, Severity
from api_gateway.domain.rules import StoredRule
from api_gateway.entrypoints.requests import (
    NAME_CURSOR,
    read_cursor,
    write_cursor,
    wrong_query,
)
from api_gateway.ports import RuleFilter

MAX_PAGE: Final = 200
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
_IN_ANY_CASE: Final = BeforeValidator(str.upper)


class Filters(BaseModel):
    """Which rules to list; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    type: list[Annotated[RuleType, _IN_ANY_CASE]] = Field(default=[], max_length=20)
    severity: list[Annotated[Severity, _IN_ANY_CASE]] = Field(default=[], max_length=10)
    enabled: bool | None = None
    label: list[Text] = Field(default=[], max_length=20, description="name=value; all must match")
    q: Text = Field(default="", description="part of the name or the description")
    cursor: Annotated[str, Field(max_length=2_000)] | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class HistoryPage(BaseModel):
    """Which part of a rule's history."""

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


def wanted(filters: Filters) -> RuleFilter:
    """Return what the repository is asked for.

    Raises:
        ProblemError: a label or the cursor is none.
    """
    labels = []
    for text in filters.label:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise wrong_query(name="label", reason="must be name=value")
        labels.append((name, value))
    return RuleFilter(
        types=filters.type,
        severities=filters.severity,
        enabled=filters.enabled,
        labels=labels,
        text=filters.q,
        after=read_cursor(filters.cursor, NAME_CURSOR),
        limit=filters.limit,
    )


def next_page(filters: Filters, found: Sequence[StoredRule]) -> str | None:
    """Return the cursor of the page after the one found, if there may be one."""
    if len(found) < filters.limit:
        return None
    return write_cursor(str(found[-1].document["name"]), found[-1].id)
