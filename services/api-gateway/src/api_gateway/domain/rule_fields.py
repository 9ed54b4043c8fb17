"""The kinds of fields that a rule has, and their bounds."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from alert_contracts import durations
from rule_language import scalar_text

MAX_GROUP_TEXT: Final = 256
"""Characters of a value that groups events; the engine tells longer ones apart by a digest."""
NOT_BLANK: Final = r"\S"
NAME_OF_LABEL: Final = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"
GROUP_FIELDS: Final = ("service", "level", "host", "statusCode", "traceId", "attributes.<name>")
GROUP_FIELD: Final = r"^(service|level|host|statusCode|traceId|attributes\.[^\s\x00-\x1f]{1,128})$"


def _between(low: str, high: str) -> AfterValidator:
    lowest, highest = durations.parse(low), durations.parse(high)

    def check(text: str) -> str:
        if not lowest <= durations.parse(text) <= highest:
            msg = f"lies outside {low} to {high}"
            raise ValueError(msg)
        return text

    return AfterValidator(check)


def _once(what: str) -> AfterValidator:
    def check(given: Sequence[Hashable]) -> Sequence[Hashable]:
        if len(set(given)) < len(given):
            msg = f"names a {what} twice"
            raise ValueError(msg)
        return given

    return AfterValidator(check)


def _as_text(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return an integer or a truth as the text of it; anything else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _as_term(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a number or a truth as the text that the engine makes of such a value."""
    return scalar_text(value) if isinstance(value, float) else _as_text(value)


def _as_group(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a group: one text for each field of groupBy, where there is one just the text."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        msg = "must be a text, or a list of texts: one for each field of groupBy"
        raise ValueError(msg)
    return texts


Text = Annotated[str, Field(max_length=2_000)]
Expression = Annotated[str, Field(min_length=1, max_length=4_096)]
LabelName = Annotated[str, Field(pattern=NAME_OF_LABEL)]
LabelValue = Annotated[str, Field(max_length=1_024)]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=32)]
Annotations = Annotated[dict[LabelName, str], Field(max_length=32)]
GroupField = Annotated[str, Field(pattern=GROUP_FIELD)]
GroupBy = Annotated[list[GroupField], Field(max_length=8), _once("field")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
WindowSize = Annotated[str, _between("1s", "1d")]
WindowStep = Annotated[str, _between("100ms", "1d")]
Lateness = Annotated[str, _between("0s", "1h")]
Hold = Annotated[str, _between("0s", "7d")]
Quiet = Annotated[str, _between("1s", "7d")]
Memory = Annotated[str, _between("1s", "90d")]
Factor = Annotated[float, Field(ge=1, le=1_000_000, allow_inf_nan=False)]
GroupText = Annotated[str, Field(max_length=MAX_GROUP_TEXT)]
Term = Annotated[str, Field(max_length=MAX_GROUP_TEXT), BeforeValidator(_as_term)]
Terms = Annotated[list[Term], Field(min_length=1, max_length=10_000)]
Group = Annotated[list[GroupText], Field(max_length=8), BeforeValidator(_as_group)]
Groups = Annotated[list[Group], Field(max_length=1_000)]
Range = Annotated[str, Field(max_length=40), BeforeValidator(_as_text)]
Ranges = Annotated[list[Range], Field(max_length=32)]


class Document(BaseModel):
    """Something that a user writes: camelCase, strict, no unknown members."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
    )
