"""Tables equal migrations, in names, types, nullability, defaults and indexes."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from services.wiring import load_service
from shared.database import open_database, open_migration_engine
from shared.migrations import describe_version_fault, migrate
from shared.settings import SERVICES
from tests.support import postgres


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


@pytest.mark.parametrize("name", SERVICES)
async def test_migrations_build_exactly_the_tables(name: str) -> None:
    engine = open_migration_engine(await postgres.fresh_database(name))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences, load_service(name).metadata) == []
    await engine.dispose()


async def test_a_column_that_no_migration_makes_is_noticed() -> None:
    engine = open_migration_engine(await postgres.fresh_database("staff"))
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE outbox ADD COLUMN planted text"))
        assert await connection.run_sync(differences, load_service("staff").metadata)
    await engine.dispose()


async def test_migrating_twice_changes_nothing_and_an_empty_database_is_not_ready() -> None:
    service = load_service("clients")
    await postgres.execute("CREATE DATABASE not_migrated")
    url = postgres.server().get_uri(database="not_migrated")
    engine, database = open_migration_engine(url), open_database(url)
    async with database.connect() as connection:
        assert await describe_version_fault(connection, service) == "none applied"
    await migrate(engine, service)
    await migrate(engine, service)
    async with database.connect() as connection:
        assert await describe_version_fault(connection, service) is None
    await database.close()
    await engine.dispose()
