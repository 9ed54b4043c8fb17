"""The sink's page: each message as the person who is paged would read it."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, NamedTuple

from sink.inbox import Received, rfc3339

NAMES = {"slack": "Slack", "pagerduty": "PagerDuty", "webhook": "Webhook", "email": "Email"}
STYLE = """
:root{color-scheme:light dark;--line:#8884;--dim:#888}
body{font:15px/1.45 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
article{border:1px solid var(--line);border-left:.35rem solid #4a90d9;border-radius:.4rem;
padding:.6rem .9rem;margin:.8rem 0;overflow-wrap:anywhere}
article.pagerduty{border-left-color:#c0392b}article.slack{border-left-color:#6b3fa0}
article.email{border-left-color:#2e8b57}article.failed{opacity:.6;border-left-style:dashed}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:.2rem 0}p{margin:.3rem 0;white-space:pre-wrap}
small{color:var(--dim)}
"""


class Reading(NamedTuple):
    """A message in words."""

    title: str
    lines: list[str]


def render(newest_first: Iterable[Received]) -> str:
    """Return the page; everything that came from outside is escaped."""
    articles = [_article(received) for received in newest_first]
    empty = "<p>Nothing yet. Messages show up here as they arrive.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Alerts received</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">'
        f"<style>{STYLE}</style></head><body><h1>Alerts received</h1>"
        "<p><small>A stand-in for Slack, PagerDuty, mail and webhooks. Newest first; the page "
        f"renews itself every 5 s.</small></p>{''.join(articles) or empty}</body></html>"
    )


def read(received: Received) -> Reading:
    """Put a message into words, whatever its sender sent."""
    body = received.message.body
    if not isinstance(body, Mapping):
        return Reading("(not JSON)", [str(body)])
    return {"slack": _slack, "pagerduty": _pagerduty, "email": _email}.get(
        received.message.channel, _webhook
    )(body)


def _article(received: Received) -> str:
    message = received.message
    reading = read(received)
    state = "" if received.delivered else " failed"
    lines = "".join(f"<p>{escape(line)}</p>" for line in reading.lines if line)
    outcome = "delivered" if received.delivered else f"not delivered ({received.answer})"
    foot = f"{NAMES[message.channel]} {message.path} · {rfc3339(received.at_ms)} · {outcome}"
    return (
        f'<article class="{message.channel}{state}"><h2>{escape(reading.title)}</h2>{lines}'
        f"<small>{escape(foot)}</small></article>"
    )


def _slack(body: Mapping[str, Any]) -> Reading:
    lines = [str(body.get("text") or ""), *_block_lines(body.get("blocks"))]
    for attachment in _mappings(body.get("attachments")):
        lines += [str(attachment.get(part) or "") for part in ("pretext", "title", "text")]
        lines += [
            f"{field.get('title', '')}: {field.get('value', '')}"
            for field in _mappings(attachment.get("fields"))
        ]
        lines += _block_lines(attachment.get("blocks"))
    shown = list(dict.fromkeys(line for line in lines if line))
    return Reading(shown[0] if shown else "(no text)", shown[1:])


def _block_lines(blocks: object) -> list[str]:
    lines = []
    for block in _mappings(blocks):
        texts = [block.get("text"), *_list(block.get("fields")), *_list(block.get("elements"))]
        lines += [_text(text) for text in texts]
    return [line for line in lines if line]


def _text(value: object) -> str:
    """Return the words of a Slack text object or of a button."""
    while isinstance(value, Mapping):
        value = value.get("text")
    return value if isinstance(value, str) else ""


def _pagerduty(body: Mapping[str, Any]) -> Reading:
    payload = body.get("payload")
    payload = payload if isinstance(payload, Mapping) else {}
    title = f"{body.get('event_action', '?')}: {payload.get('summary', body.get('dedup_key', ''))}"
    lines = [f"{name}: {payload[name]}" for name in ("severity", "source") if name in payload]
    details = payload.get("custom_details")
    if isinstance(details, Mapping):
        lines += [f"{name}: {_plain(value)}" for name, value in details.items()]
    lines += [str(link.get("href", "")) for link in _mappings(body.get("links"))]
    return Reading(title, lines)


def _email(body: Mapping[str, Any]) -> Reading:
    to = ", ".join(str(address) for address in _list(body.get("to")))
    return Reading(str(body.get("subject") or "(no subject)"), [f"to {to}", str(body.get("text"))])


def _webhook(body: Mapping[str, Any]) -> Reading:
    alerts = list(_mappings(body.get("alerts")))
    if not alerts:
        return Reading("Webhook", [json.dumps(body, indent=1, ensure_ascii=False)])
    lines = []
    for alert in alerts:
        notes = alert.get("annotations")
        notes = notes if isinstance(notes, Mapping) else {}
        labels = alert.get("labels")
        lines.append(f"{alert.get('status', '')}: {notes.get('summary') or _plain(labels)}")
        lines.append(str(notes.get("description") or ""))
    return Reading(f"{body.get('status', 'alert')}, {len(alerts)} alert(s)", lines)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]
