"""The alerts of a bucket in pages: what is stored again after a change is a page of them."""

from collections.abc import Iterable
from typing import Final

from alert_rule_engine.domain.lifecycle import AlertState

PAGE: Final = 256
"""Alerts of a page: those that were opened one after the other."""


class Pages:
    """Alerts by page and id."""

    def __init__(self) -> None:
        self._pages: dict[int, dict[str, AlertState]] = {}
        self._touched: set[int] = set()
        self._expected: frozenset[int] = frozenset()

    def add(self, alert: AlertState) -> None:
        """Take an alert that was opened."""
        newest = max(self._pages, default=0)
        if len(self._pages.get(newest, ())) >= PAGE:
            newest += 1
        alert.page = newest
        self.fill(newest, [alert])
        self.touch(alert)

    def fill(self, page: int, alerts: Iterable[AlertState]) -> None:
        """Put alerts into the page where they were."""
        mine = self._pages.setdefault(page, {})
        mine.update((alert.id, alert) for alert in alerts)

    def expect(self, pages: Iterable[int]) -> None:
        """Note which pages there were when they were stored."""
        self._expected = frozenset(pages)

    def expects(self, page: int) -> bool:
        """Tell whether a page was there when they were stored."""
        return page in self._expected

    def touch(self, alert: AlertState) -> None:
        """Note that an alert has changed."""
        self._touched.add(alert.page)

    def drop(self, alert: AlertState) -> None:
        """Let go of an alert."""
        self.touch(alert)
        del self._pages[alert.page][alert.id]
        if not self._pages[alert.page]:
            del self._pages[alert.page]

    def touched(self) -> set[int]:
        """Return the pages that changed since the last call."""
        touched, self._touched = self._touched, set()
        return touched

    def live(self) -> set[int]:
        """Return the pages that hold anything."""
        return set(self._pages)

    def of(self, page: int) -> Iterable[AlertState]:
        """Return the alerts of a page."""
        return self._pages[page].values()
