"""Health of a process and of what it leans on, and a small server for loops that have no HTTP."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec

from service_runtime.telemetry import VERSION, commit, render_metrics

CHECK_SECONDS: Final = 2.0
Check = Callable[[], Awaitable[None]]
Answer = tuple[HTTPStatus, dict[str, Any]]


@dataclass(slots=True)
class Health:
    """Named checks of dependencies, plus whether the process has started and is alive.

    A check raises to say that its component is down; the exception's text is the reason.
    """

    service: str
    config_hash: str = ""
    checks: dict[str, Check] = field(default_factory=dict)
    spare: dict[str, Check] = field(default_factory=dict)
    """Checks of what the process can do without, though less well: such a one is DEGRADED."""
    ready: bool = False
    """Set by the process when it has started, cleared when it begins to stop."""

    async def components(self) -> dict[str, dict[str, str]]:
        """Run every check at once, each within `CHECK_SECONDS`."""
        probes = {name: self._probe(check, "DOWN") for name, check in self.checks.items()}
        probes |= {name: self._probe(check, "DEGRADED") for name, check in self.spare.items()}
        states = await asyncio.gather(*probes.values())
        return dict(zip(probes, states, strict=True))

    async def _probe(self, check: Check, failed: str) -> dict[str, str]:
        try:
            await asyncio.wait_for(check(), CHECK_SECONDS)
        except TimeoutError:
            return {"status": failed, "reason": f"no answer within {CHECK_SECONDS:g} s"}
        except Exception as exc:  # noqa: BLE001 - whatever a check raises is its reason
            return {"status": failed, "reason": str(exc) or type(exc).__name__}
        return {"status": "UP"}

    async def overall(self) -> Answer:
        """Answer `/health`: every component with its state; 503 if one is down."""
        components = await self.components()
        states = {part["status"] for part in components.values()}
        down = not self.ready or "DOWN" in states
        status = HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
        state = "DOWN" if down else "DEGRADED" if "DEGRADED" in states else "UP"
        return status, {"status": state, "service": self.service, "components": components}

    def live(self) -> Answer:
        """Answer `/health/live`: the process runs; dependencies do not matter."""
        return HTTPStatus.OK, {"status": "UP"}

    def readiness(self) -> Answer:
        """Answer `/health/ready`: started, and not stopping."""
        if self.ready:
            return HTTPStatus.OK, {"status": "UP"}
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "STARTING"}

    def info(self) -> dict[str, str]:
        """Answer `/info`."""
        return {
            "service": self.service,
            "version": VERSION,
            "commit": commit(),
            "configHash": self.config_hash,
        }


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base's
        """Say nothing of a prober that hung up."""


class ThreadedHealthServer:
    """Serves `/health*`, `/metrics` and `/info` from a thread of its own.

    For a process whose main loop may be busy recovering: it must still say that it lives.
    `answers` maps a path to a function that is safe to call from another thread.
    """

    def __init__(self, host: str, port: int, answers: Mapping[str, Callable[[], Answer]]) -> None:
        routes = dict(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    parts, kind = render_metrics(self.headers.get("Accept", ""))
                    self._send(HTTPStatus.OK, b"".join(parts), kind)
                elif path in routes:
                    status, answer = routes[path]()
                    self._send(status, msgspec.json.encode(answer), "application/json")
                else:
                    self._send(HTTPStatus.NOT_FOUND, b'{"status":404}', "application/json")

            def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Say nothing: probes would drown the log."""

        self._server = _QuietServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
