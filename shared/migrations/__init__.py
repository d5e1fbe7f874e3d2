"""The schema of a service's database: SQLAlchemy tables with `.sql` files beside them, and the Alembic steps that lead there.

`functions.sql` is run before the tables are made, `tables.sql` after: together they say what SQLAlchemy cannot. The tables
that services share are made by the same first steps in all of them; what changes later is a step of each service.
"""

from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from asyncpg import Connection
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.advisory_locks import AdvisoryLock
from shared.service import Service

HERE = Path(__file__).parent
SHARED, SERVICES = HERE.parent, HERE.parent.parent / "services"
COMPARED = {"compare_type": True, "compare_server_default": True}
STEP = '''"""{title}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from shared.migrations import run_statements

revision = "{revision}"
down_revision = "{down_revision}"

FUNCTIONS = r"""{functions}"""
TABLES = r"""{tables}"""


def upgrade() -> None:
    run_statements(op.get_bind(), FUNCTIONS)
    {operations}
    run_statements(op.get_bind(), TABLES)
'''


class UnknownSchemaVersion(Exception):
    """The database was made by another version of Holdfast than this one can go on from. Start with an empty database, or an
    empty data folder."""


def list_schema_folders(service: Service) -> list[Path]:
    """Where the tables of a service stand, with their `.sql` files and migrations: what it shares with others first."""
    shared = ["outbox", "people"] if "people" in service.metadata.tables else ["outbox"]
    return [*(SHARED / name for name in shared), SERVICES / service.name]


def make_config(service: Service) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "newline")
    folders = "\n".join(str(folder / "migrations") for folder in list_schema_folders(service))
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    return config


async def migrate(engine: AsyncEngine, service: Service) -> None:
    """Brings the database to the newest version. Of several at the same time one does it and the others wait.

    Raises `UnknownSchemaVersion` where a version is applied that is not known here.
    """
    async with engine.connect() as connection:
        await connection.execute(text("SET lock_timeout = 0"))
        await connection.execute(text(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATION:d})"))
        config = make_config(service)
        config.attributes["metadata"] = service.metadata

        def upgrade(sync_connection: SyncConnection) -> None:
            known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
            if not known.issuperset(MigrationContext.configure(sync_connection).get_current_heads()):
                raise UnknownSchemaVersion(" ".join((UnknownSchemaVersion.__doc__ or "").split()))
            config.attributes["connection"] = sync_connection
            command.upgrade(config, "head")

        try:
            await connection.run_sync(upgrade)
            await connection.commit()
        finally:
            await connection.rollback()
            await connection.execute(text(f"SELECT pg_advisory_unlock({AdvisoryLock.MIGRATION:d})"))


async def describe_version_fault(connection: Connection, service: Service) -> str | None:
    """None if the database has exactly the newest version, else what is wrong."""
    if await connection.fetchval("SELECT to_regclass('alembic_version') IS NULL"):
        return "none applied"
    applied = await connection.fetchval(
        "SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM alembic_version"
    )
    newest = _get_newest_revision(service)
    return None if applied == newest else f"at {applied or 'none'}, newest {newest}"


_NEWEST: dict[str, str | None] = {}


def _get_newest_revision(service: Service) -> str | None:
    if service.name not in _NEWEST:
        _NEWEST[service.name] = ScriptDirectory.from_config(make_config(service)).get_current_head()
    return _NEWEST[service.name]


# -- the schema itself -------------------------------------------------------------------------------------------------


def list_sql_files(service: Service, name: str) -> list[Path]:
    """The files of this name beside the tables of the service and of the chassis, in one order."""
    return [path for folder in list_schema_folders(service) for path in sorted(folder.rglob(name))]


def run_statements(connection: SyncConnection, sql: str) -> None:
    """Runs the statements of a file. Functions may name what is made after them."""
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    for statement in split_statements(sql):
        connection.exec_driver_sql(statement)


def split_statements(sql: str) -> Iterator[str]:
    """The statements of a file: each ends with a semicolon at the end of a line, outside of `$$ … $$`."""
    statement: list[str] = []
    for line in sql.splitlines():
        statement.append(line)
        text_so_far = "\n".join(statement)
        if line.endswith(";") and text_so_far.count("$$") % 2 == 0:
            yield text_so_far.strip().removesuffix(";")
            statement = []


def write_migration(connection: SyncConnection, service: Service, name: str) -> Path | None:
    """Writes the step from this database, which is at the newest version, to the tables and files; None if there is none.

    A file that does not stand in an earlier step is run again whole, so its statements must bear that (`CREATE OR REPLACE`).
    A person reads the step before it is kept.
    """
    steps = [
        path for folder in list_schema_folders(service) for path in sorted((folder / "migrations").glob("[0-9]*.py"))
    ]
    earlier = "".join(path.read_text() for path in steps)
    context = MigrationContext.configure(connection, opts=COMPARED)
    operations = produce_migrations(context, service.metadata).upgrade_ops
    functions, tables = (
        "".join(sql for path in list_sql_files(service, kind) if (sql := path.read_text()) not in earlier)
        for kind in ("functions.sql", "tables.sql")
    )
    if operations is None or (operations.is_empty() and not functions and not tables):
        return None
    folder = list_schema_folders(service)[-1] / "migrations"
    number = sum(path.parent == folder for path in steps) + 1
    path = folder / f"{number:04d}_{name}.py"
    path.write_text(
        STEP.format(
            title=name.replace("_", " ").capitalize(),
            revision=f"{service.name}_{number:04d}",
            down_revision=_get_newest_revision(service),
            functions=functions,
            tables=tables,
            operations=render_python_code(operations, migration_context=context, render_as_batch=False),
        )
    )
    return path
