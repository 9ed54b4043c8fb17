"""Transactions on a real Postgres: what is known of one that failed."""

import psycopg
import pytest

from service_runtime.errors import TemporaryError, UncertainError
from service_runtime.postgres import open_database

pytestmark = pytest.mark.docker
SLOW_TO_COMMIT = """
CREATE TABLE slow (value integer);
CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION doze();
"""


async def test_a_failure_during_the_commit_may_have_stored(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SLOW_TO_COMMIT)
    async with open_database(database_url, name="test", patience=1) as database:
        with pytest.raises(UncertainError):
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO slow VALUES (1)")


async def test_a_failure_before_the_commit_has_stored_nothing(database_url: str) -> None:
    async with open_database(database_url, name="test", patience=1) as database:
        with pytest.raises(TemporaryError) as failure:
            async with database.transaction() as transaction:
                await transaction.execute("SELECT pg_sleep(60)")
    assert not isinstance(failure.value, UncertainError)
