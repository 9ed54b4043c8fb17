"""The REST API of alert rules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from alert_contracts.rules import RuleType, Severity
from alert_contracts.times import rfc3339
from api_gateway.domain.rules import Revision, StoredRule, show, show_document
from api_gateway.entrypoints.requests import (
    NAME_CURSOR,
    REVISION_CURSOR,
    OnlyIf,
    Sent,
    etag,
    read_cursor,
    write_cursor,
    wrong_query,
)
from api_gateway.entrypoints.views import (
    EXAMPLE,
    RevisionPage,
    RulePage,
    RuleView,
    problems,
)
from api_gateway.handlers.ruling import (
    MaybeStoredError,
    NotLiveError,
    RevisionMismatchError,
    RuleInvalidError,
    Rules,
)
from api_gateway.ports import RuleFilter, TooManyRulesError
from api_gateway.telemetry import LogEvent
from service_runtime.telemetry import logger
from service_runtime.web import ProblemError

log = logger(__name__)
TENANT: Final = "default"
MAX_PAGE: Final = 200
PATH: Final = "/api/alert-rules"
RuleId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
_DOCUMENT: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/RuleDocument"},
                "example": EXAMPLE,
            }
        },
    }
}
_PATCH: Final = {
    "requestBody": {
        "required": True,
        "content": {
            name: {"schema": {"type": "object"}, "example": {"threshold": 200}}
            for name in ("application/merge-patch+json", "application/json")
        },
    }
}


class Filters(BaseModel):
    """Which rules to list; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    type: list[RuleType] = Field(default=[], max_length=20)
    severity: list[Severity] = Field(default=[], max_length=10)
    enabled: bool | None = None
    label: list[Text] = Field(default=[], max_length=20, description="name=value; all must match")
    q: Text = Field(default="", description="part of the name or the description")
    cursor: Annotated[str, Field(max_length=2_000)] | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class HistoryPage(BaseModel):
    """Which part of a rule's history."""

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


def rule_router(rules: Rules) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix=PATH, tags=["alert rules"])
    _add_reading(router, rules)
    _add_making(router, rules)
    _add_changing(router, rules)
    return router


def _add_reading(router: APIRouter, rules: Rules) -> None:
    @router.get("", responses={200: {"model": RulePage}, **problems(422, 503)})
    async def list_rules(filters: Annotated[Filters, Query()]) -> Response:
        """Rules by name; `nextCursor` leads to the next page."""
        found = await rules.search(TENANT, _wanted(filters))
        return JSONResponse(
            {"rules": [show(rule) for rule in found], "nextCursor": _next(filters, found)}
        )

    @router.get("/{rule_id}", responses={200: {"model": RuleView}, **problems(404, 503)})
    async def get_rule(rule_id: RuleId) -> Response:
        """One rule with its defaults filled in; the ETag is its revision."""
        return _shown(rule_id, await rules.find((TENANT, rule_id)))

    @router.get(
        "/{rule_id}/revisions",
        responses={200: {"model": RevisionPage}, **problems(404, 422, 503)},
    )
    async def list_revisions(rule_id: RuleId, page: Annotated[HistoryPage, Query()]) -> Response:
        """The history of a rule, newest first; of a deleted one too, for 30 days."""
        before = read_cursor(page.cursor, REVISION_CURSOR)
        found = await rules.revisions(
            (TENANT, rule_id), before=before[0] if before else None, limit=page.limit
        )
        if found is None:
            raise _unknown(rule_id)
        last = write_cursor(found[-1].revision) if len(found) == page.limit else None
        return JSONResponse({"revisions": [_step(one) for one in found], "nextCursor": last})


def _add_making(router: APIRouter, rules: Rules) -> None:
    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        openapi_extra=_DOCUMENT,
        responses={201: {"model": RuleView}, **problems(400, 409, 413, 415, 422, 503)},
    )
    async def create_rule(sent: Sent) -> Response:
        """Store a rule. It is live in the engine within a second of the answer."""
        with _translated():
            rule = await rules.create(TENANT, sent)
        log.info(LogEvent.RULE_CHANGED, rule=rule.id, revision=rule.revision)
        headers = {"Location": f"{PATH}/{rule.id}"}
        return _shown(rule.id, rule, HTTPStatus.CREATED, headers)

    @router.post(
        "/validate",
        status_code=HTTPStatus.CREATED,
        openapi_extra=_DOCUMENT,
        responses={201: {"model": RuleView}, **problems(400, 413, 415, 422)},
    )
    async def validate_rule(sent: Sent) -> Response:
        """Answer as the creation of this rule would, but store nothing."""
        with _translated():
            rule = rules.draft(TENANT, sent)
        return _shown(rule.id, rule, HTTPStatus.CREATED)


def _add_changing(router: APIRouter, rules: Rules) -> None:
    answers = {200: {"model": RuleView}, **problems(400, 404, 412, 413, 415, 422, 503)}
    switched = {200: {"model": RuleView}, **problems(400, 404, 412, 503)}

    @router.put("/{rule_id}", openapi_extra=_DOCUMENT, responses=answers)
    async def replace_rule(rule_id: RuleId, sent: Sent, only_if: OnlyIf) -> Response:
        """Put this rule in the place of the stored one."""
        _check_id(rule_id, sent)
        with _translated():
            rule = await rules.replace((TENANT, rule_id), sent, only_if=only_if)
        return _changed(rule_id, rule)

    @router.patch("/{rule_id}", openapi_extra=_PATCH, responses=answers)
    async def patch_rule(rule_id: RuleId, sent: Sent, only_if: OnlyIf) -> Response:
        """Change some fields (RFC 7396): null takes one away, so that its default holds."""
        _check_id(rule_id, sent)
        with _translated():
            rule = await rules.patch((TENANT, rule_id), sent, only_if=only_if)
        return _changed(rule_id, rule)

    @router.delete(
        "/{rule_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(400, 404, 412, 503)
    )
    async def delete_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Delete the rule; its alerts resolve."""
        with _translated():
            rule = await rules.delete((TENANT, rule_id), only_if=only_if)
        _changed(rule_id, rule)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.post("/{rule_id}/enable", responses=switched)
    async def enable_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Have the rule fire again."""
        with _translated():
            rule = await rules.switch((TENANT, rule_id), enabled=True, only_if=only_if)
        return _changed(rule_id, rule)

    @router.post("/{rule_id}/disable", responses=switched)
    async def disable_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Keep the rule, but have it fire no more."""
        with _translated():
            rule = await rules.switch((TENANT, rule_id), enabled=False, only_if=only_if)
        return _changed(rule_id, rule)


def _wanted(filters: Filters) -> RuleFilter:
    labels = []
    for text in filters.label:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise wrong_query(name="label", reason="must be name=value")
        labels.append((name, value))
    return RuleFilter(
        types=filters.type,
        severities=filters.severity,
        enabled=filters.enabled,
        labels=labels,
        text=filters.q,
        after=read_cursor(filters.cursor, NAME_CURSOR),
        limit=filters.limit,
    )


def _next(filters: Filters, found: Sequence[StoredRule]) -> str | None:
    if len(found) < filters.limit:
        return None
    return write_cursor(str(found[-1].document["name"]), found[-1].id)


def _shown(
    rule_id: str,
    rule: StoredRule | None,
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
) -> Response:
    if rule is None:
        raise _unknown(rule_id)
    return JSONResponse(
        show(rule), status, headers={"ETag": etag(rule.revision), **(headers or {})}
    )


def _changed(rule_id: str, rule: StoredRule | None) -> Response:
    answer = _shown(rule_id, rule)
    if rule is not None:
        log.info(LogEvent.RULE_CHANGED, rule=rule.id, revision=rule.revision)
    return answer


def _step(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.revision,
        "action": revision.action.value,
        "at": rfc3339(revision.at),
        "rule": show_document(revision.document),
    }


def _unknown(rule_id: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, f"there is no rule {rule_id}")


def _check_id(rule_id: str, sent: dict[str, Any]) -> None:
    if sent.get("id", rule_id) != rule_id:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the rule is refused",
            errors=[{"pointer": "/id", "reason": "is not the id in the path"}],
        )


@contextmanager
def _translated() -> Iterator[None]:
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
