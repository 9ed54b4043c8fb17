"""Slack, by incoming webhook: Block Kit in a coloured attachment.

Limits and answers: https://api.slack.com/reference/block-kit/blocks and
https://api.slack.com/messaging/webhooks. Success is the body `ok`, whatever the status says.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from notification_service.adapters.channel import HttpPost, Letter, shown
from notification_service.domain.outcome import Reason
from notification_service.domain.words import cut, link
from notification_service.ports import ChannelTemporaryError

MAX_TITLE: Final = 300
MAX_SECTION: Final = 3_000
MAX_CONTEXT: Final = 2_000
GREEN: Final = "#2eb67d"
_COLOURS: Final = {
    "CRITICAL": "#b00020",
    "HIGH": "#e8590c",
    "MEDIUM": "#ecb22e",
    "LOW": "#36a2eb",
    "INFO": "#9aa0a6",
}


def escape(text: str) -> str:
    """Keep a text from pinging people, linking elsewhere or ending a code block."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("```", "'''")


def cut_section(text: str) -> str:
    """Shorten a section's text: half a link is left out, an open code block is closed again.

    Only a user's template can make this necessary: the parts of ours have budgets.
    """
    if len(text) <= MAX_SECTION:
        return text
    short = cut(text, MAX_SECTION - 4)
    if short.rfind("<") > short.rfind(">"):
        short = short[: short.rfind("<")] + "…"
    return short + "\n```" if short.count("```") % 2 else short


def titled(texts: Mapping[str, str]) -> str:
    """Return the title on one line, as a link if the receiver has one."""
    title = cut(" ".join(texts["title"].split()), MAX_TITLE) or "alert"
    href = link(texts.get("title_link", ""), MAX_CONTEXT)
    return f"<{href}|{title}>" if href else title


def payload(letter: Letter, options: Mapping[str, str]) -> dict[str, Any]:
    """Return the webhook's body. `options` are the receiver's own fields (channel, username, …)."""
    texts, order = letter.texts, letter.order
    severity = order.alerts[0].severity.value if order.alerts else "INFO"
    colour = GREEN if order.status == "resolved" else _COLOURS[severity]
    blocks = [_section(text) for text in (texts.get("pretext", ""), texts["text"]) if text.strip()]
    if texts.get("footer", "").strip():
        footer = {"type": "mrkdwn", "text": cut(texts["footer"], MAX_CONTEXT)}
        blocks.append({"type": "context", "elements": [footer]})
    title = titled(texts)
    attachment = {"color": texts.get("color") or colour, "fallback": title, "blocks": blocks}
    return {**options, "text": title, "attachments": [attachment]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut_section(text.strip())}}


class SlackChannel:
    """Posts to one incoming webhook."""

    def __init__(self, post: HttpPost, options: Mapping[str, str]) -> None:
        self._post = post
        self._options = dict(options)

    async def send(self, letter: Letter) -> None:
        body = msgspec.json.encode(payload(letter, self._options))
        answer = await self._post(body, key=letter.key)
        if answer.text.strip() != "ok":
            message = f"answered {answer.status}, but not ok: {shown(answer.text)}"
            raise ChannelTemporaryError(Reason.BAD_ANSWER, message)
