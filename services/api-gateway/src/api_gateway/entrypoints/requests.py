"""What the rule routes read from a request: documents, preconditions, cursors."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Request

from api_gateway.domain import scan
from api_gateway.domain.repeated import repeated
from api_gateway.handlers.ruling import Precondition, always
from service_runtime.web import ProblemError

MAX_DOCUMENT: Final = 262_144
"""Bytes of a rule as sent; the application that the routes are put in holds to it."""
_ETAG: Final = re.compile(r'\s*(?:W/)?(?:"([^"]*)"|(\d+))\s*')
_JSON: Final = frozenset({"", "application/json", "application/merge-patch+json"})


async def read_document(request: Request) -> dict[str, Any]:
    """Return the JSON object that the request carries.

    Raises:
        ProblemError: it is none (400, 415).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        detail = f"content-type {kind[:60]!r} is not taken here; send application/json"
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    body = await request.body()
    if not body.strip():
        detail = "the body is empty; a rule is a JSON object"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    try:
        document = msgspec.json.decode(body)
        twice = repeated(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _malformed(body) from None
    if not isinstance(document, dict):
        detail = "a rule is a JSON object"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
    if twice:
        errors = [{"pointer": pointer, "reason": "is given twice"} for pointer in twice]
        detail = "a member is given twice; nobody knows which is meant"
        raise ProblemError(HTTPStatus.BAD_REQUEST, detail, errors=errors)
    return document


def _malformed(body: bytes) -> ProblemError:
    """Return the refusal of what no decoder takes, naming the field where one can be told."""
    reason = scan.explain(body)
    if not reason.pointer:
        return ProblemError(HTTPStatus.BAD_REQUEST, f"the body {reason.reason}")
    errors = [{"pointer": reason.pointer, "reason": reason.reason}]
    return ProblemError(HTTPStatus.BAD_REQUEST, "the body cannot be read", errors=errors)


def precondition(
    if_match: Annotated[
        str | None,
        Header(
            max_length=1_000,
            description='Change the rule only at this revision, such as `"3"`; 412 otherwise.',
        ),
    ] = None,
) -> Precondition:
    """Return the test of `If-Match`; without the header every revision will do."""
    if if_match is None or if_match.strip() == "*":
        return always
    tags = set()
    for part in if_match.split(","):
        match = _ETAG.fullmatch(part)
        if match is None:
            detail = 'If-Match is a revision in quotes, such as "3"'
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
        tags.add(match.group(1) or match.group(2))
    return lambda revision: str(revision) in tags


def etag(revision: int) -> str:
    """Return the entity tag of a revision."""
    return f'"{revision}"'


def write_cursor(*parts: str | int) -> str:
    """Return an opaque cursor for the place that the parts name."""
    return urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_cursor(text: str | None, kind: Any) -> Any:  # noqa: ANN401 - of the kind asked for
    """Return what `write_cursor` was given, as `kind`; None without a cursor.

    Raises:
        ProblemError: it is no cursor of ours.
    """
    if text is None:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise wrong_query(
            name="cursor", reason="must be the nextCursor of the page before"
        ) from None


def wrong_query(name: str, reason: str) -> ProblemError:
    """Return the refusal of one query parameter."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "the query is not valid",
        errors=[{"pointer": f"/query/{name}", "reason": reason}],
    )


Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
Revision = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
NAME_CURSOR: Final[Any] = tuple[Name, Name]
"""Name and id of a rule."""
REVISION_CURSOR: Final[Any] = tuple[Revision]
Sent = Annotated[dict[str, Any], Depends(read_document)]
OnlyIf = Annotated[Precondition, Depends(precondition)]
