"""The REST API of alert rules."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from api_gateway.domain.rules import StoredRule
from api_gateway.entrypoints.requests import (
    REVISION_CURSOR,
    OnlyIf,
    Sent,
    read_cursor,
    write_cursor,
)
from api_gateway.entrypoints.rule_answers import (
    PATH,
    check_id,
    listed,
    shown,
    step,
    translated,
    unknown,
)
from api_gateway.entrypoints.rule_examples import EXAMPLES
from api_gateway.entrypoints.rule_queries import Filters, HistoryPage, next_page, wanted
from api_gateway.entrypoints.views import RevisionPage, RulePage, RuleView, problems
from api_gateway.handlers.faring import Fares
from api_gateway.handlers.ruling import Rules
from api_gateway.telemetry import LogEvent
from service_runtime.telemetry import logger

log = logger(__name__)
TENANT: Final = "default"
RuleId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
_DOCUMENT: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/RuleDocument"},
                "examples": {name: {"value": rule} for name, rule in EXAMPLES.items()},
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


def rule_router(rules: Rules, fares: Fares) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix=PATH, tags=["alert rules"])
    _add_reading(router, rules, fares)
    _add_making(router, rules)
    _add_changing(router, rules)
    return router


def _add_reading(router: APIRouter, rules: Rules, fares: Fares) -> None:
    @router.get("", responses={200: {"model": RulePage}, **problems(422, 503)})
    async def list_rules(filters: Annotated[Filters, Query()]) -> Response:
        """Rules by name, each with a brief status; `nextCursor` leads to the next page."""
        found = await rules.search(TENANT, wanted(filters))
        return JSONResponse(
            {
                "rules": [listed(rule, fares.of(rule)) for rule in found],
                "nextCursor": next_page(filters, found),
            }
        )

    @router.get("/{rule_id}", responses={200: {"model": RuleView}, **problems(404, 503)})
    async def get_rule(rule_id: RuleId) -> Response:
        """One rule with its defaults filled in, and how it fares; the ETag is its revision."""
        rule = await rules.find((TENANT, rule_id))
        return shown(rule_id, rule, fare=fares.of(rule) if rule else None)

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
            raise unknown(rule_id)
        last = write_cursor(found[-1].revision) if len(found) == page.limit else None
        return JSONResponse({"revisions": [step(one) for one in found], "nextCursor": last})


def _add_making(router: APIRouter, rules: Rules) -> None:
    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        openapi_extra=_DOCUMENT,
        responses={201: {"model": RuleView}, **problems(400, 409, 413, 415, 422, 503)},
    )
    async def create_rule(sent: Sent) -> Response:
        """Store a rule. It is live in the engine within a second of the answer."""
        with translated():
            rule = await rules.create(TENANT, sent)
        log.info(LogEvent.RULE_CHANGED, rule=rule.id, revision=rule.revision)
        headers = {"Location": f"{PATH}/{rule.id}"}
        return shown(rule.id, rule, HTTPStatus.CREATED, headers)

    @router.post(
        "/validate",
        status_code=HTTPStatus.CREATED,
        openapi_extra=_DOCUMENT,
        responses={201: {"model": RuleView}, **problems(400, 413, 415, 422)},
    )
    async def validate_rule(sent: Sent) -> Response:
        """Answer as the creation of this rule would, but store nothing."""
        with translated():
            rule = rules.draft(TENANT, sent)
        return shown(rule.id, rule, HTTPStatus.CREATED)


def _add_changing(router: APIRouter, rules: Rules) -> None:
    answers = {200: {"model": RuleView}, **problems(400, 404, 412, 413, 415, 422, 503)}
    switched = {200: {"model": RuleView}, **problems(400, 404, 412, 503)}

    @router.put("/{rule_id}", openapi_extra=_DOCUMENT, responses=answers)
    async def replace_rule(rule_id: RuleId, sent: Sent, only_if: OnlyIf) -> Response:
        """Put this rule in the place of the stored one."""
        check_id(rule_id, sent)
        with translated():
            rule = await rules.replace((TENANT, rule_id), sent, only_if=only_if)
        return _changed(rule_id, rule)

    @router.patch("/{rule_id}", openapi_extra=_PATCH, responses=answers)
    async def patch_rule(rule_id: RuleId, sent: Sent, only_if: OnlyIf) -> Response:
        """Change some fields (RFC 7396): null takes one away, so that its default holds."""
        check_id(rule_id, sent)
        with translated():
            rule = await rules.patch((TENANT, rule_id), sent, only_if=only_if)
        return _changed(rule_id, rule)

    @router.delete(
        "/{rule_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(400, 404, 412, 503)
    )
    async def delete_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Delete the rule; its alerts resolve."""
        with translated():
            rule = await rules.delete((TENANT, rule_id), only_if=only_if)
        _changed(rule_id, rule)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.post("/{rule_id}/enable", responses=switched)
    async def enable_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Have the rule fire again."""
        with translated():
            rule = await rules.switch((TENANT, rule_id), enabled=True, only_if=only_if)
        return _changed(rule_id, rule)

    @router.post("/{rule_id}/disable", responses=switched)
    async def disable_rule(rule_id: RuleId, only_if: OnlyIf) -> Response:
        """Keep the rule, but have it fire no more."""
        with translated():
            rule = await rules.switch((TENANT, rule_id), enabled=False, only_if=only_if)
        return _changed(rule_id, rule)


def _changed(rule_id: str, rule: StoredRule | None) -> Response:
    answer = shown(rule_id, rule)
    if rule is not None:
        log.info(LogEvent.RULE_CHANGED, rule=rule.id, revision=rule.revision)
    return answer
