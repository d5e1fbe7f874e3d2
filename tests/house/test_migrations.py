"""Tables and `.sql` files equal migrations: columns and indexes, functions, views, triggers, partitions, storage and grants."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.wiring import load_service
from shared.database import open_database, open_migration_engine
from shared.migrations import (
    COMPARED,
    UnknownSchemaVersion,
    describe_version_fault,
    list_sql_files,
    migrate,
    run_statements,
    split_statements,
    write_migration,
)
from shared.service import Service
from shared.settings import SERVICES
from tests.support.postgres import create_database, execute_sql, get_server

# Of everything that is in the schema `public` and not Alembic's: a name and what it is, as text.
OBJECTS = """
    SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'view ' || c.relname, pg_get_viewdef(c.oid) FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
    UNION ALL
    SELECT 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'table ' || c.relname, concat_ws(' ', c.relkind, pg_get_partkeydef(c.oid), c.relacl, c.reloptions)
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
    UNION ALL
    SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', a.attstorage, a.attcompression, a.attacl)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
          AND c.relname <> 'alembic_version'
    UNION ALL
    SELECT 'partition ' || c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c
    WHERE c.relispartition AND c.relkind = 'r'
"""
PLANTS = {
    "a function": "CREATE FUNCTION planted() RETURNS int LANGUAGE sql RETURN 1",
    "a view": "CREATE VIEW planted AS SELECT 1 AS one",
    "a trigger": "CREATE TRIGGER planted BEFORE UPDATE ON outbox FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a grant": "GRANT SELECT ON outbox TO PUBLIC",
    "storage": "ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL",
    "a partition": "CREATE TABLE planted PARTITION OF journal FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
}


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection, opts=COMPARED), metadata)


def objects(connection: Connection) -> dict[str, str]:
    return dict(tuple(row) for row in connection.execute(text(OBJECTS)))


def create_schema(connection: Connection, service: Service) -> None:
    for path in list_sql_files(service, "functions.sql"):
        run_statements(connection, path.read_text())
    service.metadata.create_all(connection)
    for path in list_sql_files(service, "tables.sql"):
        run_statements(connection, path.read_text())


async def ask(engine: AsyncEngine, question: Callable[..., Any], *args: Any) -> Any:
    async with engine.connect() as connection:
        return await connection.run_sync(question, *args)


async def created(name: str) -> AsyncEngine:
    """A database made from tables and files, without a migration."""
    await execute_sql(f"DROP DATABASE IF EXISTS created_{name}")
    await execute_sql(f"CREATE DATABASE created_{name}")
    engine = open_migration_engine(get_server().get_uri(database=f"created_{name}"))
    async with engine.begin() as connection:
        await connection.run_sync(create_schema, load_service(name))
    return engine


@pytest.mark.parametrize("name", SERVICES)
async def test_migrations_build_exactly_the_tables(name: str) -> None:
    engine = open_migration_engine(await create_database(name))
    assert await ask(engine, differences, load_service(name).metadata) == []
    await engine.dispose()


@pytest.mark.parametrize("name", SERVICES)
async def test_migrations_build_exactly_what_stands_in_the_sql_files(name: str) -> None:
    migrated, made = open_migration_engine(await create_database(name)), await created(name)
    assert await ask(migrated, objects) == await ask(made, objects)
    assert await ask(migrated, write_migration, load_service(name), "nothing") is None
    await migrated.dispose()
    await made.dispose()


@pytest.mark.parametrize("plant", PLANTS)
async def test_what_no_migration_makes_is_noticed_whatever_it_is(plant: str) -> None:
    engine = open_migration_engine(await create_database("clients"))
    before = await ask(engine, objects)
    async with engine.begin() as connection:
        await connection.execute(text(PLANTS[plant]))
    assert await ask(engine, objects) != before
    await engine.dispose()


async def test_a_column_that_no_migration_makes_is_noticed() -> None:
    engine = open_migration_engine(await create_database("staff"))
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE outbox ADD COLUMN planted text"))
        assert await connection.run_sync(differences, load_service("staff").metadata)
    await engine.dispose()


async def test_migrating_twice_changes_nothing_and_an_empty_database_is_not_ready() -> None:
    service = load_service("clients")
    await execute_sql("CREATE DATABASE not_migrated")
    url = get_server().get_uri(database="not_migrated")
    engine, database = open_migration_engine(url), open_database(url)
    async with database.connect() as connection:
        assert await describe_version_fault(connection, service) == "none applied"
    await migrate(engine, service)
    await migrate(engine, service)
    async with database.connect() as connection:
        assert await describe_version_fault(connection, service) is None
    await database.close()
    await engine.dispose()


async def test_a_database_of_another_schema_is_refused_with_a_sentence_and_left_as_it_is() -> None:
    engine = open_migration_engine(await create_database("orders"))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'orders_0000'"))
    with pytest.raises(UnknownSchemaVersion, match="Start with an empty database, or an empty data folder"):
        await migrate(engine, load_service("orders"))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "orders_0000"
    await engine.dispose()


def test_a_statement_of_a_file_ends_outside_of_a_body() -> None:
    body = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n    RETURN 1;\nEND $$"
    assert list(split_statements(f"-- why\nSELECT 1;\n{body};\n")) == ["-- why\nSELECT 1", body]
