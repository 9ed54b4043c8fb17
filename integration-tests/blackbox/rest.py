"""The services' REST interfaces as a client sees them."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

import aiohttp

from blackbox.addresses import Addresses
from blackbox.wait import eventually

Document = dict[str, Any]
AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class AwayError(OSError):
    """A service that is starting or ending: ask again."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    text: str

    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        return json.loads(self.text)

    @property
    def away(self) -> bool:
        """Whether a service answers that is not there yet, or no longer.

        One that is ending may break off with a 500 that is not in the words of any service.
        """
        if self.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self.headers.get("content-type", "").startswith("text/plain")
        return self.status in AWAY

    @property
    def pointers(self) -> set[str]:
        """The fields that an error answer blames."""
        return {str(error.get("pointer")) for error in self.json().get("errors", ())}


class Rest:
    """One service."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self.base = base

    async def call(
        self, method: str, path: str, *, body: object = None, raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send a JSON body, or raw bytes, and return whatever is answered."""
        sent = dict(headers or {})
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, self.base + path, data=raw and BytesIO(raw), headers=sent
        ) as response:
            text = await response.text(errors="replace")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, names, text)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return the JSON behind a path.

        Raises AwayError when the service is starting or ending, AssertionError for what is no 200.
        """
        answer = await self.call("GET", path)
        if answer.away:
            message = f"GET {path}: {answer}"
            raise AwayError(message)
        assert answer.status == 200, f"GET {path}: {answer}"
        return answer.json()

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the metric's series that carry these labels, 0 without any."""
        answer = await self.call("GET", "/metrics")
        return sum(
            float(value)
            for found, shown, value in SAMPLE.findall(answer.text)
            if found == name and labels.items() <= dict(LABEL.findall(shown)).items()
        )


class Stack:
    """The whole stack as its users see it."""

    def __init__(self, session: aiohttp.ClientSession, where: Addresses) -> None:
        self.where = where
        self.gateway = Rest(session, where.gateway)
        self.engine = Rest(session, where.engine)
        self.manager = Rest(session, where.manager)
        self.notifier = Rest(session, where.notifier)

    async def post(self, events: Sequence[Mapping[str, Any]], *, key: str | None = None) -> Answer:
        """Post events as one batch."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.gateway.call("POST", "/api/logs/batch", body=events, headers=headers)

    async def accept(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Post events of which none may be refused, again until the gateway takes them."""
        key = secrets.token_hex(8)

        async def post() -> Answer:
            return await self.post(events, key=key)

        answer = await eventually(post, lambda found: not found.away, what="the gateway accepts")
        assert answer.status == 202, answer
        assert answer.json()["accepted"] == len(events), answer

    async def alerts(self, service: str) -> list[Document]:
        """Return the alerts of a service, newest first."""
        found: list[Document] = (await self.manager.get(f"/api/alerts?service={service}"))["alerts"]
        return found

    async def until_live(self, *rules: str) -> None:
        """Wait until both stages of the engine go by these rules (ids) as they are stored.

        A rule is live within a second of the answer to its POST, not with it.
        """

        async def known() -> list[bool]:
            shown = [await self.gateway.get(f"/api/alert-rules/{each}") for each in rules]
            return [rule["status"]["liveRevision"] == rule["revision"] for rule in shown]

        await eventually(known, all, what="the rules are live")

    async def timeline(self, alert_id: str) -> list[Document]:
        """Return what was decided about an alert, oldest first."""
        answer = await self.manager.get(f"/api/alerts/{alert_id}/timeline")
        entries: list[Document] = answer["entries"]
        return entries
