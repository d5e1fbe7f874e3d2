"""What commands print: results on standard output, everything else on standard error, so that results can be piped."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

output = Console()
errors = Console(stderr=True)


def print_result(as_json: bool, result: Any, show: Callable[[], None]) -> None:
    """Prints the result as JSON where `--json` asks for it; else `show` prints it for people."""
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        show()


def print_table(columns: Iterable[str], rows: Iterable[Iterable[Any]], title: str | None = None) -> None:
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, str) else f"{cell:,}" for cell in row))
    output.print(table)


def exit_with_error(message: str, status: int) -> NoReturn:
    errors.print(message, style="red", highlight=False, markup=False)
    raise typer.Exit(status) from None


def make_progress_bars(*, shown: bool = True) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=errors,
        disable=not shown,
    )
