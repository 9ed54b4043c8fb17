"""Taking rules over from their topic."""

import msgspec

from alert_rule_engine import telemetry
from alert_rule_engine.domain.catalog import Catalog
from alert_rule_engine.domain.rules import RuleBook
from service_runtime.consumer import Record
from service_runtime.errors import PoisonError
from service_runtime.telemetry import logger

log = logger(__name__)


class TakeRules:
    """Keeps the rules as the topic tells them."""

    def __init__(self) -> None:
        self._catalog = Catalog()
        self._refused: dict[str, str] = {}

    def take(self, record: Record) -> bool:
        """Take one record in; tell whether it changed anything.

        Raises:
            PoisonError: it is no rule.
        """
        try:
            return self._catalog.take(record.key or b"", record.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise PoisonError(str(exc)) from exc

    def compile(self) -> RuleBook:
        """Return the rules compiled; say which were refused, once each."""
        book = self._catalog.compile()
        for key, reason in book.errors.items():
            if self._refused.get(key) != reason:
                tenant, _, rule_id = key.partition("/")
                telemetry.RULE_ERRORS.labels(tenant, rule_id).inc()
                log.warning("rule_refused", rule=key, reason=reason)
        self._refused = dict(book.errors)
        telemetry.RULES.set(len(book.rules))
        log.info("rules_changed", rules=len(book.rules), refused=len(book.errors))
        return book
