"""Fixtures of the black-box tests: the stack, its sink, its database, and fresh names."""

import os
import re
import secrets
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
import psycopg
import pytest
import redis.asyncio
from blackbox.addresses import Addresses, addresses
from blackbox.fixtures import Connection, Naming
from blackbox.processes import Processes, find
from blackbox.rest import Answer, Rest, Stack
from blackbox.sink_client import SinkClient
from blackbox.wait import PATIENCE_S, eventually

FIRST_S = 5.0
MET: set[str] = set()
"""Services that were ready once: they are waited for longer than what may not be there at all."""


@pytest.fixture(scope="session")
def where() -> Addresses:
    return addresses()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        yield client


@pytest.fixture
async def stack(session: aiohttp.ClientSession, where: Addresses) -> Stack:
    """Return the running stack, once the last test's harm is mended, or say what to do about it."""
    found = Stack(session, where)
    for name, service in (
        ("gateway", found.gateway),
        ("rule engine", found.engine),
        ("alert manager", found.manager),
        ("notification service", found.notifier),
    ):
        await ready(name, service)
    return found


async def ready(name: str, service: Rest) -> None:
    """Wait until a service works: the test before may have killed it."""

    async def ask() -> Answer:
        return await service.call("GET", "/health/ready")

    what = f"the {name} is ready; is the stack up? ./setup.sh starts it"
    within = PATIENCE_S if name in MET else FIRST_S
    await eventually(ask, lambda answer: answer.status == HTTPStatus.OK, what=what, within=within)
    MET.add(name)


@pytest.fixture
async def sink(session: aiohttp.ClientSession, where: Addresses) -> AsyncIterator[SinkClient]:
    """Return the sink with every channel working, and leave it so."""
    client = SinkClient(session, where.sink)
    await client.heal()
    yield client
    await client.heal()


@pytest.fixture
async def database(where: Addresses) -> AsyncIterator[Connection]:
    connection = await psycopg.AsyncConnection.connect(
        where.database, autocommit=True, row_factory=psycopg.rows.dict_row
    )
    async with connection:
        yield connection


@pytest.fixture
async def cache(where: Addresses) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.from_url(where.redis) as client:
        yield client


@pytest.fixture
def processes_of(where: Addresses) -> Processes:
    return find(where.state)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Naming:
    """Return a maker of service names that no other test, and no earlier run, has used."""
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40]
    token = os.environ.get("TOCSIN_RUN") or secrets.token_hex(4)
    return lambda part: f"{part}-{test.strip('-')}-{token}"
