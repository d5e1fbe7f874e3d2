"""One Alembic environment for all services: each service's database holds the chassis's branch and its own."""

from collections.abc import Iterable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from asyncpg import Connection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.advisory_locks import AdvisoryLock
from shared.service import Service

HERE = Path(__file__).parent
SERVICES = HERE.parent.parent / "services"


def make_config(service: Service) -> Config:
    config = Config()
    branches = [HERE / "chassis", SERVICES / service.name / "migrations"]
    if "people" in service.metadata.tables:
        branches.append(HERE / "people")
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(branch).replace("%", "%%") for branch in branches))
    return config


async def migrate(engine: AsyncEngine, service: Service) -> None:
    """Brings the database to the newest version. Of several at the same time one does it and the others wait."""
    async with engine.connect() as connection:
        await connection.execute(text("SET lock_timeout = 0"))
        await connection.execute(text(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATION:d})"))
        config = make_config(service)
        config.attributes["metadata"] = service.metadata

        def upgrade(sync_connection: object) -> None:
            config.attributes["connection"] = sync_connection
            command.upgrade(config, "heads")

        await connection.run_sync(upgrade)
        await connection.commit()
        await connection.execute(text(f"SELECT pg_advisory_unlock({AdvisoryLock.MIGRATION:d})"))


async def describe_version_fault(connection: Connection, service: Service) -> str | None:
    """None if the database has exactly the newest version, else what is wrong."""
    if await connection.fetchval("SELECT to_regclass('alembic_version') IS NULL"):
        return "none applied"
    applied = {row["version_num"] for row in await connection.fetch("SELECT version_num FROM alembic_version")}
    newest = _list_heads(service)
    return None if applied == newest else f"at {_join_revisions(applied)}, newest {_join_revisions(newest)}"


_HEADS: dict[str, set[str]] = {}


def _list_heads(service: Service) -> set[str]:
    if service.name not in _HEADS:
        _HEADS[service.name] = set(ScriptDirectory.from_config(make_config(service)).get_heads())
    return _HEADS[service.name]


def _join_revisions(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"
