"""How the story looks on a terminal: numbered parts, one row for each thing that happened, with its time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

PATIENCE = 30  # seconds that something is waited for
T = TypeVar("T")


class StoryStopped(Exception):
    """Something that must happen did not; the message says what."""


class Screen:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.part_number = 0
        self.started = time.perf_counter()

    def print_title(self, text: str) -> None:
        self.console.print(Panel(f"[bold]{text}[/bold]", box=box.ROUNDED, style="cyan"))

    def start_part(self, title: str) -> None:
        self.part_number += 1
        self.console.print(f"\n[bold cyan]{self.part_number}  {title}[/bold cyan]")

    def print_event(self, text: str, seconds: float | None = None, mark: str = "[green]✓[/green]") -> None:
        """One thing that happened, and how long it took."""
        grid = Table.grid(expand=True)
        grid.add_column(width=5)
        grid.add_column(ratio=1)
        grid.add_column(justify="right", width=10)
        grid.add_row(f"   {mark}", text, "" if seconds is None else f"[dim]{format_duration(seconds)}[/dim]")
        self.console.print(grid)

    @contextmanager
    def timed_event(self, text: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.print_event(text, time.perf_counter() - begun)

    def print_table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[str] = ()
    ) -> None:
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, 4)))

    def print_certificate(self, text: str, lines: Sequence[tuple[str, str]]) -> None:
        grid = Table.grid(padding=(0, 2))
        for name, value in lines:
            grid.add_row(f"[dim]{name}[/dim]", value)
        self.console.print(
            Padding(Panel(grid, title=f"[bold]{text}[/bold]", box=box.DOUBLE, expand=False), (0, 0, 0, 4))
        )

    def end(self) -> None:
        self.console.print(f"\n[bold]The whole story took {time.perf_counter() - self.started:.1f} s.[/bold]")


def format_duration(seconds: float) -> str:
    return (
        f"{seconds * 1000:.1f} ms"
        if seconds < 0.1
        else f"{seconds * 1000:.0f} ms"
        if seconds < 1
        else f"{seconds:.1f} s"
    )


async def wait_until(ask: Callable[[], Awaitable[T]], is_there: Callable[[T], bool], description: str) -> T:
    """Asks again and again until the answer is as wanted. Raises StoryStopped, which names it by `description`."""
    deadline = time.perf_counter() + PATIENCE
    while not is_there(answer := await ask()):
        if time.perf_counter() > deadline:
            raise StoryStopped(f"{description} did not come within {PATIENCE} s")
        await asyncio.sleep(0.005)
    return answer
