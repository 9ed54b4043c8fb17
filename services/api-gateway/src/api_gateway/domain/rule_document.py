"""A rule as a user writes it: its fields, their bounds, and the reason why one is refused."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from alert_contracts.rules import Direction, NoData, RuleType, Severity, WindowKind
from alert_contracts.spelling import nearest
from api_gateway.domain import rule_fields as fields
from api_gateway.domain.refusals import step

Sent = Mapping[str, Any]
"""A rule as a user sent it."""
READ_ONLY: Final = ("id", "revision", "createdAt", "updatedAt", "status")
"""Shown with a rule; accepted when a shown rule is sent back, and ignored."""
MAX_WINDOW_MINUTES: Final = 24 * 60
_NUMBER_IN_PATH: Final = "#"
_SUBJECT: Final = re.compile(r"^\w+ should")
_PATTERNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        fields.NOT_BLANK: "must not be blank",
        fields.NAME_OF_LABEL: (
            "must be letters (a to z), digits and _, at most 100, and not begin with a digit"
        ),
    }
)


class WindowDocument(fields.Document):
    """How events are gathered."""

    size: fields.WindowSize
    """From 1 s to a day."""
    kind: WindowKind = "tumbling"
    step: fields.WindowStep | None = None
    """By how much the next window is shifted; it divides the size. A hopping window needs it, a
    sliding one has a default of 10 s or so, a tumbling one's is its size."""
    allowed_lateness: fields.Lateness = "30s"
    """How late an event may come and still count."""


class TimeRangeDocument(fields.Document):
    """A part of a day; the end is not part of it."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    start_time: str = Field(max_length=40, examples=["09:00"])
    end_time: str = Field(max_length=40, examples=["17:00"])


class TimeIntervalDocument(fields.Document):
    """When something holds, as in an Alertmanager file; its names (`days_of_month`) do as well."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    times: list[TimeRangeDocument] = Field(default=[], max_length=32)
    weekdays: fields.Ranges = Field(default=[], examples=[["monday:friday"]])
    days_of_month: fields.Ranges = Field(default=[], examples=[["1:5", "-3:-1"]])
    months: fields.Ranges = Field(default=[], examples=[["may:august", "12"]])
    years: fields.Ranges = Field(default=[], examples=[["2026:2028"]])
    location: str = Field(default="UTC", max_length=100, examples=["Europe/Berlin"])
    """An IANA time zone."""


class RuleDocument(fields.Document):
    """An alert rule."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=fields.NOT_BLANK)]
    """The alert's name."""
    description: fields.Text = ""
    type: RuleType
    """What the rule watches for; sets the defaults of `match`, `value` and `condition`."""
    match: fields.Expression | None = None
    """CEL over one event: which events count."""
    value: fields.Expression | None = None
    """CEL over one event: the number that is aggregated to sum, avg, min, max and percentiles; or
    (CARDINALITY, NEW_TERM, CHANGE, MATCH) the text, number or truth that is looked at."""
    condition: fields.Expression | None = None
    """CEL over a window: when it fires."""
    threshold: fields.Number | None = None
    """The number that `condition` calls `threshold`."""
    window_minutes: Annotated[int, Field(ge=1, le=MAX_WINDOW_MINUTES)] | None = None
    """Size of a tumbling window; or give `window`."""
    window: WindowDocument | None = None
    group_by: fields.GroupBy = Field(default=["service"])
    """One alert for each combination of these: service, level, host, statusCode, traceId,
    attributes.<name>."""
    severity: Severity
    enabled: bool = True
    min_count: fields.Count | None = None
    """Fewer events than this in a window never fire."""
    hold: fields.Hold = Field(default="0s", alias="for")
    """How long the condition must hold before the alert fires."""
    keep_firing_for: fields.Hold = "0s"
    """How long the alert goes on after the condition has ceased to hold."""
    resolve_after: fields.Quiet | None = None
    """How long quiet before the alert resolves; one window by default."""
    no_data: NoData = "ok"
    """What a window without events means for a group that is known: nothing, an alert, or that an
    alert which fires goes on."""
    active_time: list[TimeIntervalDocument] = Field(default=[], max_length=16)
    """The alert may begin within these only; one interval may stand without the list."""
    max_groups: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Groups that the rule keeps apart; more are counted, not kept."""
    expect: fields.Groups = Field(default=[])
    """ABSENCE: groups that are missed before they were ever seen; each a text, or a list of one
    text for each field of `groupBy`."""
    forget: fields.Memory | None = None
    """ABSENCE: how long a group stays silent until it is forgotten, unless it is expected."""
    remember: fields.Memory | None = None
    """NEW_TERM, CHANGE: how long a value stays known."""
    factor: fields.Factor | None = None
    """SPIKE: how many times as much as in the window before."""
    direction: Direction | None = None
    """SPIKE: more, less, or either; `up` by default."""
    min_reference: fields.Count | None = None
    """SPIKE: with fewer events in the window before, nothing is compared; 10 by default."""
    blacklist: fields.Terms | None = None
    """MATCH: only events whose `value` is one of these."""
    whitelist: fields.Terms | None = None
    """MATCH: only events whose `value` is none of these."""
    labels: fields.Labels = Field(default={})
    """Put on every alert."""
    annotations: fields.Annotations = Field(default={})
    """Jinja2 texts such as `summary`, `description` and `runbook`."""
    owner: Annotated[str, Field(max_length=200)] = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One wrong field of a rule."""

    pointer: str
    reason: str
    line: int | None = None
    column: int | None = None


_MODELS: Final[Mapping[tuple[str, ...], type[fields.Document]]] = MappingProxyType(
    {
        (): RuleDocument,
        ("window",): WindowDocument,
        ("activeTime", _NUMBER_IN_PATH): TimeIntervalDocument,
        ("activeTime", _NUMBER_IN_PATH, "times", _NUMBER_IN_PATH): TimeRangeDocument,
    }
)


def check(sent: Sent) -> list[Problem]:
    """Return everything that is wrong with the fields, each by itself."""
    try:
        RuleDocument.model_validate_json(msgspec.json.encode(sent))
    except ValidationError as exc:
        return [_problem(error) for error in exc.errors(include_url=False)]
    return []


def is_wrong(wrong: Collection[str], *beginnings: str) -> bool:
    """Tell whether one of the pointers to what is wrong begins like one of these."""
    return any(pointer.startswith(beginnings) for pointer in wrong)


def _problem(error: ErrorDetails) -> Problem:
    location = error["loc"]
    parts = location[:-1] if location[-1:] == ("[key]",) else location
    return Problem("".join(step(part) for part in parts), _reason(error))


def _reason(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        *parents, name = error["loc"]
        return f"there is no such field{suggestion(str(name), _names(parents))}"
    if kind == "missing":
        return "is required"
    if kind in {"enum", "literal_error"}:
        return _one_of(error)
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(error["ctx"]["pattern"]) or _no_group(str(error["input"]))
    return _SUBJECT.sub("should", error["msg"]).replace(" after validation", "")


def _no_group(name: str) -> str:
    if name.startswith("attributes."):
        return "the name of an attribute to group by has 1 to 128 characters, and no blanks"
    return f"events are not grouped by this{suggestion(name, fields.GROUP_FIELDS)}"


def _one_of(error: ErrorDetails) -> str:
    expected = error["ctx"]["expected"]
    names = expected.replace("'", "").replace(" or ", ", ").split(", ")
    return f"must be one of {', '.join(names)}{suggestion(str(error['input']), names, known=False)}"


def _names(parents: Sequence[str | int]) -> Sequence[str]:
    path = tuple(_NUMBER_IN_PATH if isinstance(part, int) else part for part in parents)
    return [str(field.alias) for field in _MODELS[path].model_fields.values()]


def suggestion(name: str, names: Sequence[str], *, known: bool = True) -> str:
    """Return the end of a sentence: which name may be meant, or which there are."""
    meant = nearest(name, names)
    if meant:
        return f"; did you mean {meant}?"
    return f"; there are {', '.join(names)}" if known else ""
