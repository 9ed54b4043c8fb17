"""The OpenAPI document: what FastAPI knows, and the hot routes, which it does not."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from alert_contracts.events import NDJSON
from api_gateway.domain.bounds import MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAME, MAX_STATUS
from api_gateway.domain.rule_document import RuleDocument
from api_gateway.entrypoints.views import ProblemView, problems
from api_gateway.telemetry import Route

_JSON: Final = "application/json"
EVENT_EXAMPLE: Final[dict[str, Any]] = {
    "service": "payment-service",
    "level": "ERROR",
    "message": "Database connection failed",
    "statusCode": 500,
    "responseTime": 5000,
    "timestamp": "2026-01-31T10:00:00.123Z",
    "host": "pay-3",
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    "attributes": {"region": "eu"},
}
_TEXT: Final = {"type": "string", "maxLength": MAX_NAME}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A log event. Members that are not named here become attributes.",
    "required": ["service", "message"],
    "properties": {
        "service": {**_TEXT, "minLength": 1, "description": "`source` is read as this, too"},
        "message": {"type": "string"},
        "level": {**_TEXT, "description": "any case and usual synonym; others become UNKNOWN"},
        "statusCode": {"type": "integer", "minimum": 0, "maximum": MAX_STATUS},
        "responseTime": {"type": "number", "minimum": 0, "description": "milliseconds"},
        "timestamp": {
            "description": "RFC 3339, or a Unix time in s, ms, us or ns, told apart by size",
            "oneOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}],
        },
        "host": _TEXT,
        "traceId": _TEXT,
        "attributes": {
            "type": "object",
            "maxProperties": MAX_ATTRIBUTES,
            "additionalProperties": True,
            "description": f"nested at most {MAX_DEPTH} deep",
        },
    },
    "additionalProperties": True,
    "example": EVENT_EXAMPLE,
}
_EVENT_REF: Final = {"$ref": "#/components/schemas/LogEvent"}
_REFUSAL: Final = {
    "type": "object",
    "required": ["index", "pointer", "reason"],
    "properties": {
        "index": {"type": "integer", "minimum": 0},
        "pointer": {"type": "string"},
        "reason": {"type": "string"},
    },
    "example": {"index": 3, "pointer": "/level", "reason": "is a text, not a number"},
}
_COUNT: Final = {"type": "integer", "minimum": 0}
_REFUSALS: Final = {"type": "array", "maxItems": 100, "items": _REFUSAL}
_RETRY_SAFELY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same body posted again under the same key is counted once.",
}
_FAILURES: Final = (400, 405, 408, 413, 415, 503)


def _operation(
    name: str, summary: str, content: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    return {
        "post": {
            "tags": ["logs"],
            "operationId": name,
            "summary": summary,
            "parameters": [_RETRY_SAFELY],
            "requestBody": {"required": True, "content": content},
            "responses": {
                "202": {
                    "description": "The events are safe in Kafka",
                    "content": {_JSON: {"schema": answer}},
                },
                **{str(status): text for status, text in problems(*_FAILURES).items()},
            },
        }
    }


_PATHS: Final[dict[str, Any]] = {
    Route.ONE.value: _operation(
        "post_log",
        "Take one event",
        {_JSON: {"schema": _EVENT_REF}},
        {
            "type": "object",
            "required": ["accepted"],
            "properties": {"accepted": {"type": "integer", "const": 1}},
        },
    ),
    Route.BATCH.value: _operation(
        "post_logs",
        "Take many events; a bad one is refused alone",
        {
            _JSON: {"schema": {"type": "array", "items": _EVENT_REF}},
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"service":"pay","message":"a"}\n{"service":"pay","message":"b"}\n',
            },
        },
        {
            "type": "object",
            "required": ["accepted", "rejected", "errors"],
            "properties": {"accepted": _COUNT, "rejected": _COUNT, "errors": _REFUSALS},
        },
    ),
}


def describe(app: FastAPI) -> None:
    """Have `app` describe the hot routes as well."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    models: tuple[type[BaseModel], ...] = (ProblemView, RuleDocument)
    _, named = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({**named["$defs"], "LogEvent": _EVENT})
    document["paths"] = {**_PATHS, **document["paths"]}
    return document
