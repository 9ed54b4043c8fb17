"""What the rule routes answer: rules as JSON, and each refusal with its status."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import Response
from fastapi.responses import JSONResponse

from alert_contracts.times import rfc3339
from api_gateway.domain.rule_health import Fare
from api_gateway.domain.rule_show import show, show_document
from api_gateway.domain.rules import Revision, StoredRule
from api_gateway.entrypoints.requests import etag
from api_gateway.handlers.ruling import (
    MaybeStoredError,
    NotLiveError,
    RevisionMismatchError,
    RuleInvalidError,
)
from api_gateway.ports import TooManyRulesError
from service_runtime.web import ProblemError

PATH: Final = "/api/alert-rules"


def shown(
    rule_id: str,
    rule: StoredRule | None,
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
    fare: Fare | None = None,
) -> Response:
    """Return a rule, its revision as ETag, and how it fares if that is asked for.

    Raises:
        ProblemError: there is no such rule.
    """
    if rule is None:
        raise unknown(rule_id)
    body = show(rule) if fare is None else {**show(rule), "status": faring(fare)}
    return JSONResponse(body, status, headers={"ETag": etag(rule.revision), **(headers or {})})


def listed(rule: StoredRule, fare: Fare) -> dict[str, Any]:
    """Return a rule as lists show it: of how it fares only what one looks for in a list."""
    brief = ("health", "lastError", "firing")
    status = {name: value for name, value in faring(fare).items() if name in brief}
    return {**show(rule), "status": status}


def faring(fare: Fare) -> dict[str, Any]:
    """Return how a rule fares; null is what nobody has told."""
    return {
        "health": fare.health,
        "lastError": fare.last_error or None,
        "lastErrorAt": _moment(fare.last_error_at),
        "lastEvaluation": _moment(fare.last_evaluation),
        "blindUntil": _moment(fare.blind_until),
        "eventsMatched": fare.events_matched,
        "groups": fare.groups,
        "stateBytes": fare.state_bytes,
        "firing": fare.firing,
        "cpuShare": fare.cpu_share,
        "late": fare.late,
        "surplus": fare.surplus,
        "liveRevision": fare.live_revision or None,
    }


def _moment(ms: int) -> str | None:
    try:
        return rfc3339(ms) if ms else None
    except (ValueError, OverflowError):
        return None


def step(revision: Revision) -> dict[str, Any]:
    """Return one step of a rule's history."""
    return {
        "revision": revision.revision,
        "action": revision.action.value,
        "at": rfc3339(revision.at),
        "rule": show_document(revision.document),
    }


def unknown(rule_id: str) -> ProblemError:
    """Return the answer for a rule that is not there."""
    return ProblemError(HTTPStatus.NOT_FOUND, f"there is no rule {rule_id}")


def check_id(rule_id: str, sent: dict[str, Any]) -> None:
    """Refuse a rule that says it is another one.

    Raises:
        ProblemError: it does.
    """
    if sent.get("id", rule_id) != rule_id:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the rule is refused",
            errors=[{"pointer": "/id", "reason": "is not the id in the path"}],
        )


@contextmanager
def translated() -> Iterator[None]:
    """Give each refusal its status."""
    try:
        yield
    except RuleInvalidError as exc:
        errors = [msgspec.to_builtins(problem) for problem in exc.problems]
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        raise ProblemError(status, "the rule is refused", errors=errors) from exc
    except RevisionMismatchError as exc:
        headers = {"ETag": etag(exc.revision)}
        raise ProblemError(HTTPStatus.PRECONDITION_FAILED, str(exc), headers=headers) from exc
    except TooManyRulesError as exc:
        raise ProblemError(HTTPStatus.CONFLICT, "there are as many rules as may be") from exc
    except NotLiveError as exc:
        detail = (
            f"revision {exc.rule.revision} of rule {exc.rule.id} is stored and will be live by "
            f"itself once Kafka answers; do not repeat the request ({exc})"
        )
        headers = {"Location": f"{PATH}/{exc.rule.id}", "Retry-After": "5"}
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers) from exc
    except MaybeStoredError as exc:
        detail = (
            f"nobody knows whether this is stored as rule {exc.rule_id}; look at its Location "
            f"before you repeat the request ({exc})"
        )
        headers = {"Location": f"{PATH}/{exc.rule_id}", "Retry-After": "5"}
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers) from exc
