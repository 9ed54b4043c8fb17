"""What a path takes: `OPTIONS` tells it, `HEAD` is answered wherever `GET` is. Plain ASGI."""

from collections.abc import Iterable, Sequence
from http import HTTPMethod, HTTPStatus
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PROBED: Final = (*HTTPMethod,)


def allowed(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Return the methods that the path of a request takes; none if nothing is there."""
    taken = [
        method.value
        for method in _PROBED
        if method not in {HTTPMethod.HEAD, HTTPMethod.OPTIONS}
        and any(
            route.matches({**scope, "method": method.value})[0] is Match.FULL for route in routes
        )
    ]
    if HTTPMethod.GET in taken:
        taken.append(HTTPMethod.HEAD.value)
    return sorted([*taken, HTTPMethod.OPTIONS.value]) if taken else []


class HeadAndOptions:
    """Answers the two methods that no route of ours names."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event."""
        method = scope.get("method")
        if method == HTTPMethod.HEAD:
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
            return
        taken = allowed(self._routes, scope) if method == HTTPMethod.OPTIONS else []
        if not taken:
            await self._app(scope, receive, send)
            return
        headers = [(b"allow", ", ".join(taken).encode())]
        status = int(HTTPStatus.NO_CONTENT)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _without_body(send: Send) -> Send:
    async def only_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return only_head
