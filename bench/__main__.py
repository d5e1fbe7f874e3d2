"""`make bench [ONLY=name,…]`: runs every figure and prints the table; `--json FILE` keeps the rows."""

import importlib
import inspect
import json
import platform
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.figures import FigureRow
from services.cli.server import run_on_server_loop

FIGURE_NAMES = (
    "check",
    "check_journaled",
    "check_http",
    "checks_many",
    "sets",
    "freeze_embedded",
    "freeze_kafka",
    "freeze_size",
    "transfer",
    "plan",
    "throughput",
    "check_size",
    "journal",
    "exposure",
    "risk",
    "seed",
    "verify",
    "export",
    "freshness",
)
console = Console(width=160)


def measure_figure(name: str) -> list[FigureRow]:
    """The rows of a figure: its module has `measure`, a function or a coroutine function."""
    rows = importlib.import_module(f"bench.{name}").measure()
    if inspect.iscoroutine(rows):
        rows = run_on_server_loop(rows)
    return list(rows)


def main(
    only: Annotated[str, typer.Option(help="Names of figures, separated by commas.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the rows in this file.")] = None,
) -> None:
    """Measure. Example: python -m bench --only plan,transfer"""
    names = [name for name in only.split(",") if name] or list(FIGURE_NAMES)
    rows: list[FigureRow] = []
    for name in names:
        with console.status(f"measuring {name} …"):
            rows += measure_figure(name)
    table = Table(title=f"Holdfast on {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    for column in FigureRow.__annotations__:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    if json_file is not None:
        json_file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
