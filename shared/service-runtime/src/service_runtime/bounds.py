"""What one client may ask of a service, and all of them at once: plain ASGI, no copies."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Refuse = Callable[[HTTPStatus, str, dict[str, str]], ASGIApp]
"""Makes the answer of a status, a sentence and headers."""


class BodyLimit:
    """Answers 413 to a body of more than `limit` bytes, announced or not."""

    def __init__(self, app: ASGIApp, *, limit: int, refuse: Refuse) -> None:
        self._app = app
        self._limit = limit
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        detail = f"a body has at most {self._limit} bytes"
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(status, detail, {})(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(status, detail)  # of all errors the one that FastAPI passes on
            return message

        await self._app(scope, counted, send)


class CrowdLimit:
    """Answers 503 to requests beyond `limit` at once; they may come again in a second."""

    def __init__(self, app: ASGIApp, *, limit: int, refuse: Refuse) -> None:
        self._app = app
        self._limit = limit
        self._refuse = refuse
        self._present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event."""
        app = self._app
        if self._present >= self._limit:
            detail = "too many requests are being answered"
            app = self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"})
        self._present += 1
        try:
            await app(scope, receive, send)
        finally:
            self._present -= 1
