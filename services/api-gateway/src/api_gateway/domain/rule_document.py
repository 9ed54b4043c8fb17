"""A rule as a user writes it: its fields, their bounds, and the reason why one is refused."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from alert_contracts.rules import RuleType, Severity
from api_gateway.domain import durations
from api_gateway.domain.refusals import step

READ_ONLY: Final = ("id", "revision", "createdAt", "updatedAt")
"""Shown with a rule; accepted when a shown rule is sent back, and ignored."""
MAX_WINDOW_MINUTES: Final = 24 * 60
MAX_RESOLVE_AFTER: Final = "7d"
_NAME_OF_LABEL: Final = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"
_GROUP_FIELD: Final = r"^(service|level|host|statusCode|traceId|attributes\.[^\s\x00-\x1f]{1,128})$"


def _duration(low: str, high: str) -> AfterValidator:
    lowest, highest = durations.parse(low), durations.parse(high)

    def check(text: str) -> str:
        if not lowest <= durations.parse(text) <= highest:
            msg = f"lies outside {low} to {high}"
            raise ValueError(msg)
        return text

    return AfterValidator(check)


def _unique(fields: list[str]) -> list[str]:
    if len(set(fields)) < len(fields):
        msg = "names a field twice"
        raise ValueError(msg)
    return fields


Text = Annotated[str, Field(max_length=2_000)]
Expression = Annotated[str, Field(min_length=1, max_length=4_096)]
LabelName = Annotated[str, Field(pattern=_NAME_OF_LABEL)]
GroupField = Annotated[str, Field(pattern=_GROUP_FIELD)]
WindowSize = Annotated[str, _duration("1s", "1d")]


class _Document(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
    )


class WindowDocument(_Document):
    """How events are gathered."""

    size: WindowSize
    """From 1 s to a day."""
    kind: Literal["tumbling", "sliding"] = "tumbling"
    step: WindowSize | None = None
    """Kept, but the engine moves a sliding window on by its panes; a tumbling one's is its size."""
    allowed_lateness: Annotated[str, _duration("0s", "1h")] = "30s"
    """How late an event may come and still count."""


class RuleDocument(_Document):
    """An alert rule."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    """The alert's name."""
    description: Text = ""
    type: RuleType
    """What the rule watches for; sets the defaults of `match`, `value` and `condition`."""
    match: Expression | None = None
    """CEL over one event: which events count."""
    value: Expression | None = None
    """CEL number of one event, aggregated to sum, avg, min, max and percentiles."""
    condition: Expression | None = None
    """CEL over a window: when it fires."""
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The number that `condition` calls `threshold`."""
    window_minutes: Annotated[int, Field(ge=1, le=MAX_WINDOW_MINUTES)] | None = None
    """Size of a tumbling window; or give `window`."""
    window: WindowDocument | None = None
    group_by: Annotated[list[GroupField], Field(max_length=8), AfterValidator(_unique)] = Field(
        default=["service"]
    )
    """One alert for each combination of these: service, level, host, statusCode, traceId,
    attributes.<name>."""
    severity: Severity
    enabled: bool = True
    min_count: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Fewer events than this in a window never fire."""
    resolve_after: Annotated[str, _duration("1s", MAX_RESOLVE_AFTER)] | None = None
    """How long quiet before the alert resolves; one window by default."""
    max_groups: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Groups that the rule keeps apart; more are counted, not kept."""
    labels: Annotated[
        dict[LabelName, Annotated[str, Field(max_length=1_024)]], Field(max_length=32)
    ] = Field(default={})
    """Put on every alert."""
    annotations: Annotated[dict[LabelName, str], Field(max_length=32)] = Field(default={})
    """Jinja2 texts such as `summary`, `description` and `runbook`."""
    owner: Annotated[str, Field(max_length=200)] = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One wrong field of a rule."""

    pointer: str
    reason: str
    line: int | None = None
    column: int | None = None


_MODELS: Final[Mapping[tuple[str, ...], type[_Document]]] = {
    (): RuleDocument,
    ("window",): WindowDocument,
}


def parse(sent: Mapping[str, Any]) -> tuple[RuleDocument | None, list[Problem]]:
    """Return the document, or everything that is wrong with its fields."""
    try:
        return RuleDocument.model_validate_json(msgspec.json.encode(sent)), []
    except ValidationError as exc:
        return None, [_problem(error) for error in exc.errors(include_url=False)]


def _problem(error: ErrorDetails) -> Problem:
    location = error["loc"]
    parts = location[:-1] if location[-1:] == ("[key]",) else location
    return Problem("".join(step(part) for part in parts), _reason(error))


def _reason(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        *parents, name = (str(part) for part in error["loc"])
        return f"there is no such field{_nearest(name, _fields(tuple(parents)))}"
    if kind == "missing":
        return "is required"
    if kind in {"enum", "literal_error"}:
        return _one_of(error)
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return f"must match {error['ctx']['pattern']}"
    return error["msg"].replace("Input should", "should", 1)


def _one_of(error: ErrorDetails) -> str:
    expected = error["ctx"]["expected"]
    names = expected.replace("'", "").replace(" or ", ", ").split(", ")
    return f"must be one of {', '.join(names)}{_nearest(str(error['input']), names, known=False)}"


def _fields(parents: tuple[str, ...]) -> Sequence[str]:
    return [str(field.alias) for field in _MODELS[parents].model_fields.values()]


def _nearest(name: str, names: Sequence[str], *, known: bool = True) -> str:
    folded = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {folded[close[0]]}?"
    return f"; there are {', '.join(names)}" if known else ""
