"""Turns an order into a channel's texts. A template that fails never costs a message."""

import html
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from alert_contracts.notifications import Notification
from notification_service.adapters import email, pagerduty, slack
from notification_service.adapters.channel import Letter
from notification_service.domain.budget import BUDGETS, WIDEST, Budget
from notification_service.domain.directory import Channel
from notification_service.domain.message import context, escaped, plain_text, plain_title
from service_runtime import templating
from service_runtime.telemetry import logger

log = logger(__name__)
Texts = Mapping[str, str]
Seen = Callable[[Budget], dict[str, Any]]
MAX_TEXT: Final = 60_000
"""Characters of a text whose channel has no limit of its own; rendering stops a little later."""


def _same(text: str) -> str:
    return text


@cache
def _default(name: str) -> str:
    path = resources.files("notification_service.adapters").joinpath("templates", f"{name}.j2")
    return path.read_text(encoding="utf-8").rstrip("\n")


def defaults(channel: Channel) -> dict[str, str]:
    """Return the built-in template of each of a channel's texts."""
    if channel is Channel.SLACK:
        return {"title": _default("slack_title"), "text": _default("slack_text")}
    title = "pagerduty_title" if channel is Channel.PAGERDUTY else "plain_title"
    texts = {"title": _default(title), "text": _default("plain_text")}
    if channel is Channel.EMAIL:
        texts["html"] = _default("email_html")
    return texts


_ESCAPES: Final[Mapping[tuple[Channel, str], Callable[[str], str]]] = {
    (Channel.EMAIL, "html"): html.escape,
}


_LIMITS: Final[Mapping[tuple[Channel, str], int]] = {
    (Channel.SLACK, "title"): slack.MAX_TITLE,
    (Channel.SLACK, "text"): slack.MAX_SECTION,
    (Channel.SLACK, "pretext"): slack.MAX_SECTION,
    (Channel.SLACK, "footer"): slack.MAX_CONTEXT,
    (Channel.PAGERDUTY, "title"): pagerduty.MAX_SUMMARY,
    (Channel.PAGERDUTY, "text"): pagerduty.MAX_DETAIL,
    (Channel.EMAIL, "title"): email.MAX_SUBJECT,
    (Channel.EMAIL, "subject"): email.MAX_SUBJECT,
}


def _escape(channel: Channel, name: str) -> Callable[[str], str]:
    default = slack.escape if channel is Channel.SLACK else _same
    return _ESCAPES.get((channel, name), default)


def refusals(overrides: Texts) -> dict[str, str]:
    """Return, for each of a user's templates that cannot be rendered, the reason."""
    found: dict[str, str] = {}
    for name, source in overrides.items():
        try:
            templating.check(source)
        except templating.TemplateRefusedError as exc:
            found[name] = str(exc)
    return found


class Renderer:
    """Renders one endpoint's texts; `overrides` are the user's templates."""

    def __init__(self, channel: Channel, overrides: Texts) -> None:
        self._channel = channel
        refused = refusals(overrides)
        for name, reason in refused.items():
            log.warning("template_refused", channel=channel, text=name, reason=reason)
        kept = {name: text for name, text in overrides.items() if name not in refused}
        self._defaults = defaults(channel)
        self._sources = {**self._defaults, **kept}

    def render(self, order: Notification, *, key: str, instead_of: str, now: int) -> Letter:
        """Return the letter. `now` is in epoch milliseconds."""

        @cache
        def seen(budget: Budget) -> dict[str, Any]:
            return context(order, instead_of=instead_of, now=now, budget=budget)

        plain = {"title": plain_title(order), "text": plain_text(order)}
        texts: dict[str, str] = {}
        for name, source in self._sources.items():
            text = self._fitting(name, source, seen)
            if text is None and name in self._defaults and source != self._defaults[name]:
                text = self._fitting(name, self._defaults[name], seen)
            if text is None:
                text = _escape(self._channel, name)(plain.get(name, ""))
            texts[name] = text
        return Letter(key=key, order=order, texts=texts, context=seen(WIDEST))

    def _fitting(self, name: str, source: str, seen: Seen) -> str | None:
        """Return the text with the widest budget that keeps it within its channel's limit."""
        limit = _LIMITS.get((self._channel, name), MAX_TEXT)
        text: str | None = None
        for budget in BUDGETS:
            text = self._try(name, source, escaped(seen(budget), _escape(self._channel, name)))
            if text is None or len(text) <= limit:
                break
        return text

    def _try(self, name: str, source: str, seen: dict[str, Any]) -> str | None:
        try:
            return templating.render(source, seen)
        except templating.TemplateRefusedError as exc:
            log.warning("template_failed", channel=self._channel, text=name, reason=str(exc)[:300])
            return None


class TemplatePreviewer:
    """Renders with a user's templates, before they are put into the configuration."""

    def preview(
        self, channel: Channel, templates: Texts, order: Notification, *, now: int
    ) -> tuple[dict[str, str], dict[str, str]]:
        refused = refusals(templates)
        seen = context(order, instead_of="", now=now)
        for name, source in templates.items():
            if name not in refused:
                try:
                    templating.render(source, escaped(seen, _escape(channel, name)))
                except templating.TemplateRefusedError as exc:
                    refused[name] = str(exc)
        letter = Renderer(channel, templates).render(order, key="preview", instead_of="", now=now)
        return dict(letter.texts), refused
