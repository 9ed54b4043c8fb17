"""What the real services accept and answer: Slack webhooks, PagerDuty Events v2, plain webhooks.

Pure: a body goes in, the answer that the real service would give comes out.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

SLACK_MAX_BLOCKS = 50
SLACK_MAX_HEADER = 150
SLACK_MAX_SECTION = 3_000
SLACK_MAX_FIELDS = 10
SLACK_MAX_FIELD = 2_000
PAGERDUTY_MAX_BYTES = 512_000
PAGERDUTY_KEY_LENGTH = 32
PAGERDUTY_MAX_SUMMARY = 1_024
PAGERDUTY_MAX_DEDUP_KEY = 255
PAGERDUTY_ACTIONS = ("trigger", "acknowledge", "resolve")
PAGERDUTY_SEVERITIES = ("critical", "warning", "error", "info")
OK, ACCEPTED, BAD_REQUEST, TOO_LARGE = 200, 202, 400, 413


class Answer(NamedTuple):
    status: int
    body: str
    content_type: str
    dedup_key: str | None = None


def parse_json(raw: bytes) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return the parsed JSON, or the text when it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


def slack(body: object, _raw: bytes) -> Answer:
    """Answer as an incoming webhook: the text `ok`, or 400 with Slack's error word."""
    if not isinstance(body, Mapping):
        return _slack_error("invalid_payload")
    if not any(body.get(part) for part in ("text", "blocks", "attachments")):
        return _slack_error("no_text")
    blocks = list(_list(body.get("blocks")))
    for attachment in _list(body.get("attachments")):
        if isinstance(attachment, Mapping):
            blocks += _list(attachment.get("blocks"))
    if len(blocks) > SLACK_MAX_BLOCKS or not all(map(_slack_block_is_valid, blocks)):
        return _slack_error("invalid_blocks")
    return Answer(OK, "ok", "text/html")


def pagerduty(body: object, raw: bytes) -> Answer:
    """Answer as Events v2: 202 with the dedup key, or 400 with every error of the event."""
    if len(raw) > PAGERDUTY_MAX_BYTES:
        return Answer(TOO_LARGE, "Request Entity Too Large", "text/plain")
    if not isinstance(body, Mapping):
        return _pagerduty_invalid(["Event object is not a JSON object"])
    errors = [*_routing_key_errors(body), *_action_errors(body)]
    if errors:
        return _pagerduty_invalid(errors)
    dedup_key = body.get("dedup_key") or hashlib.sha256(raw).hexdigest()[:32]
    answer = {"status": "success", "message": "Event processed", "dedup_key": dedup_key}
    return Answer(ACCEPTED, json.dumps(answer), "application/json", str(dedup_key))


def webhook(_body: object, _raw: bytes) -> Answer:
    """Answer as a receiver that takes everything."""
    return Answer(OK, '{"ok":true}', "application/json")


PROTOCOLS: dict[str, Callable[[object, bytes], Answer]] = {
    "slack": slack,
    "pagerduty": pagerduty,
    "webhook": webhook,
}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _slack_error(word: str) -> Answer:
    return Answer(BAD_REQUEST, word, "text/html")


def _text_length(value: object) -> int:
    return len(str(value.get("text", ""))) if isinstance(value, Mapping) else 0


def _slack_block_is_valid(block: object) -> bool:
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        return False
    if block["type"] == "header":
        return 0 < _text_length(block.get("text")) <= SLACK_MAX_HEADER
    if block["type"] == "section":
        return _slack_section_is_valid(block)
    return True


def _slack_section_is_valid(block: Mapping[str, Any]) -> bool:
    fields = _list(block.get("fields"))
    text = _text_length(block.get("text"))
    return (
        (text > 0 or bool(fields))
        and text <= SLACK_MAX_SECTION
        and len(fields) <= SLACK_MAX_FIELDS
        and all(0 < _text_length(field) <= SLACK_MAX_FIELD for field in fields)
    )


def _pagerduty_invalid(errors: list[str]) -> Answer:
    answer = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return Answer(BAD_REQUEST, json.dumps(answer), "application/json")


def _routing_key_errors(body: Mapping[str, Any]) -> list[str]:
    key = body.get("routing_key")
    if not isinstance(key, str) or not key:
        return ["'routing_key' is missing or blank"]
    if len(key) != PAGERDUTY_KEY_LENGTH:
        return ["Length of 'routing_key' is incorrect (should be 32 characters)"]
    return []


def _action_errors(body: Mapping[str, Any]) -> list[str]:
    action = body.get("event_action")
    dedup_key = body.get("dedup_key")
    if not isinstance(action, str) or not action:
        return ["'event_action' is missing or blank"]
    if action not in PAGERDUTY_ACTIONS:
        allowed = "'trigger', 'acknowledge' or 'resolve'"
        return [f"'event_action' is invalid (must be one of the following: {allowed})"]
    if dedup_key is not None and not isinstance(dedup_key, str):
        return ["'dedup_key' is not a string"]
    if len(dedup_key or "") > PAGERDUTY_MAX_DEDUP_KEY:
        return ["'dedup_key' is too long (maximum is 255 characters)"]
    if action != "trigger":
        return [] if dedup_key else ["'dedup_key' is missing or blank"]
    return _payload_errors(body.get("payload"))


def _payload_errors(payload: object) -> list[str]:
    if not isinstance(payload, Mapping):
        return ["'payload' is missing or blank"]
    errors = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not isinstance(payload.get(name), str) or not payload[name]
    ]
    if len(str(payload.get("summary", ""))) > PAGERDUTY_MAX_SUMMARY:
        errors.append("'payload.summary' is too long (maximum is 1024 characters)")
    if payload.get("severity") and payload["severity"] not in PAGERDUTY_SEVERITIES:
        errors.append(
            "'payload.severity' is invalid "
            "(must be one of the following: 'critical', 'warning', 'error' or 'info')"
        )
    return errors
