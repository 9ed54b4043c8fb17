"""What a rule's `value` is as a text, where texts are compared, counted or remembered."""

from collections.abc import Callable
from typing import Any, Final

from alert_contracts.events import Event
from alert_rule_engine.domain.readers import FIELDS, text_of
from alert_rule_engine.domain.specs import value_of

Term = Callable[[Event], str | None]
_ATTRIBUTE: Final = "attributes."
_SCALARS: Final = (str, int, float)


def term_of(source: str, tenant: str) -> Term:
    """Return what takes the bounded text of a value from an event: None where it has none.

    Raises:
        RuleLanguageError: the value is neither a field nor a number.
    """
    read = _reader(source, tenant)

    def term(event: Event) -> str | None:
        value = read(event)
        return text_of(value) if isinstance(value, _SCALARS) else None

    return term


def _reader(source: str, tenant: str) -> Callable[[Event], Any]:
    fields = {**FIELDS, "message": "message"}
    if source in fields:
        name = fields[source]
        return lambda event: getattr(event, name)
    attribute = source.removeprefix(_ATTRIBUTE)
    if attribute != source and attribute.isidentifier():
        return lambda event: event.attributes.get(attribute)
    return value_of(source, tenant).of
