"""`holdfast seed`: a made company of any size, sent through the import doors as an export would be."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.cli.calling import CallRefused, System, Target, Token, Url, progress_bars, reach, run, target_of
from services.cli.made import Company
from services.cli.reading import Row
from services.cli.running import DataDir, Json
from services.cli.uploading import Batch, Report, Upload, batches

WORKERS = 8  # calls under way: one in the service, one in the database, one being answered

output = Console()


@dataclass(frozen=True)
class Made:
    """What was sent of one kind, how much of it is in place, and how long it took."""

    kind: str
    rows: int
    refused: int
    seconds: float


def seed(
    clients: Annotated[int, typer.Option(help="How many clients.", min=0)] = 100_000,
    employees: Annotated[int, typer.Option(help="How many employees.", min=10)] = 1_000,
    orders: Annotated[int, typer.Option(help="How many orders.", min=0)] = 300_000,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = None,
) -> None:
    """Fill a system with made data: the same at every run, but for its dates, which lead to today.

    Example: holdfast seed --clients 1000 --employees 50 --orders 3000
    """
    if orders and not clients:
        raise typer.BadParameter("orders need clients")
    company = Company(employees, clients, orders, datetime.now(UTC).date())
    with progress_bars(shown=not as_json) as bars:
        made = run(_seed(target_of(url, token, data_dir), company, bars))
    if as_json:
        typer.echo(json.dumps({"made": [asdict(part) for part in made]}))
    else:
        _show(made)
    if any(part.refused for part in made):
        raise typer.Exit(1)


async def _seed(target: Target, company: Company, bars: Progress) -> list[Made]:
    tree = list(company.department_rows(headed=False))
    headed = list(company.department_rows(headed=True))
    clients, orders = _elsewhere(company.client_rows, company.order_rows)
    started = time.perf_counter()
    made: list[Made] = []

    async with reach(target) as system:

        async def fill(kind: str, found: Iterator[Batch], count: int, note: str = "") -> None:
            begun = time.perf_counter()
            bar = bars.add_task(f"{kind}{note}", total=count, note="")
            upload = Upload(system, kind, sent=lambda done: bars.update(bar, advance=done), workers=WORKERS)
            report: Report = await upload.run_batches(found)
            if not note:
                seconds = round(time.perf_counter() - begun, 1)
                made.append(Made(kind, count, report.counts["refused"], seconds))

        await fill("departments", _batches(tree), len(tree), " (tree)")
        await fill("employees", _batches(company.employee_rows()), company.employees)
        await fill("departments", _batches(headed), len(headed))
        await fill("clients", clients, company.clients)
        await _add_flows(system, company)
        await fill("orders", orders, company.orders)
        settling = bars.add_task("spreading the news", total=None, note="")
        await system.settle()
        bars.update(settling, total=1, completed=1)
    made.append(Made("in all", sum(part.rows for part in made), 0, round(time.perf_counter() - started, 1)))
    return made


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[Batch]:
    return batches(Row(line, data) for line, data in enumerate(rows, 1))


def _elsewhere(*kinds: Callable[[], Iterable[dict[str, Any]]]) -> list[Iterator[Batch]]:
    """The rows of each kind, in this order, put together by another process from now on: the services need a whole core."""
    processes = multiprocessing.get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    processes.Process(target=_put_together, args=(kinds, sender), daemon=True).start()
    sender.close()  # here; so that an end of the other process is noticed
    return [iter(receiver.recv, None) for _ in kinds]


def _put_together(kinds: Iterable[Callable[[], Iterable[dict[str, Any]]]], sender: Connection) -> None:
    for rows in kinds:
        for batch in _batches(rows()):
            sender.send(batch)
        sender.send(None)


async def _add_flows(system: System, company: Company) -> None:
    """The flows of a company of this size. Those of an earlier run with another size stay as they are."""
    for flow in company.flows():
        try:
            await system.call("POST", "/orders/v1/flows", "ops", "service", "director", sub="seed", json=flow)
        except CallRefused as refusal:
            if refusal.reason != "exists":
                raise


def _show(made: list[Made]) -> None:
    table = Table("", "rows", "refused", "seconds")
    for part in made:
        table.add_row(part.kind, f"{part.rows:,}", f"{part.refused:,}", f"{part.seconds:.1f}")
    output.print(table)
