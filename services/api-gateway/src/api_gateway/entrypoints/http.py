"""The HTTP face of the gateway: the hot routes first, FastAPI for everything else."""

from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api_gateway.entrypoints.logs import LogRoutes
from api_gateway.entrypoints.openapi import describe
from api_gateway.entrypoints.requests import MAX_DOCUMENT
from api_gateway.entrypoints.rules import rule_router
from api_gateway.handlers.faring import Fares
from api_gateway.handlers.ruling import Rules
from api_gateway.telemetry import Route
from service_runtime.health import Health
from service_runtime.web import create_app

DESCRIPTION: Final = "Takes logs, and the rules that watch them."
_ROUTES: Final = {route.value: route for route in Route}


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


def build_front(logs: LogRoutes, rules: Rules, fares: Fares, health: Health) -> Front:
    """Return the application."""
    app = create_app("Tocsin gateway", DESCRIPTION, health, max_body=MAX_DOCUMENT)
    app.include_router(rule_router(rules, fares))
    describe(app)
    return Front(logs, app)
