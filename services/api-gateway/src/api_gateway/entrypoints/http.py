"""The HTTP face of the gateway: the hot routes first, FastAPI for everything else."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api_gateway.entrypoints.logs import LogRoutes
from api_gateway.telemetry import Route


@dataclass(frozen=True, slots=True)
class Front:
    """Sends a request to where it is answered."""

    logs: LogRoutes
    app: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event (ASGI)."""
        if scope["type"] == "http":
            route = _ROUTES.get(scope["path"])
            if route is not None:
                await self.logs(route, scope, receive, send)
                return
        await self.app(scope, receive, send)


_ROUTES = {route.value: route for route in Route}
