"""`holdfast seed`: the command, and how its rows are generated beside the services and sent."""

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

from services.cli.imports.rows import ImportRow
from services.cli.imports.upload import Batch, ImportReport, Upload, split_into_batches
from services.cli.options import DataDirOption, JsonOption, TokenOption, UrlOption
from services.cli.seed.company import GeneratedCompany
from services.cli.system import CallRefused, System, Target, make_progress_bars, make_target, open_system, run_command

WORKERS = 8  # calls under way: one in the service, one in the database, one being answered
output = Console()


@dataclass(frozen=True)
class SeededKind:
    """What was sent of one kind, how much of it is in place, and how long it took."""

    kind: str
    rows: int
    refused: int
    seconds: float


def seed_company(
    clients: Annotated[int, typer.Option(help="How many clients.", min=0)] = 100_000,
    employees: Annotated[int, typer.Option(help="How many employees.", min=10)] = 1_000,
    orders: Annotated[int, typer.Option(help="How many orders.", min=0)] = 300_000,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Fill a system with made data: the same at every run, but for its dates, which lead to today.

    Example: holdfast seed --clients 1000 --employees 50 --orders 3000
    """
    if orders and not clients:
        raise typer.BadParameter("orders need clients")
    company = GeneratedCompany(employees, clients, orders, datetime.now(UTC).date())
    with make_progress_bars(shown=not as_json) as bars:
        made = run_command(_run_seed(make_target(url, token, data_dir), company, bars))
    if as_json:
        typer.echo(json.dumps({"made": [asdict(part) for part in made]}))
    else:
        _print_summary(made)
    if any(part.refused for part in made):
        raise typer.Exit(1)


async def _run_seed(target: Target, company: GeneratedCompany, bars: Progress) -> list[SeededKind]:
    tree = list(company.department_rows(headed=False))
    headed = list(company.department_rows(headed=True))
    clients, orders = _generate_in_process(company.client_rows, company.order_rows)
    started = time.perf_counter()
    made: list[SeededKind] = []

    async with open_system(target) as system:

        async def fill(kind: str, found: Iterator[Batch], count: int, note: str = "") -> None:
            begun = time.perf_counter()
            bar = bars.add_task(f"{kind}{note}", total=count, note="")
            upload = Upload(system, kind, sent=lambda done: bars.update(bar, advance=done), workers=WORKERS)
            report: ImportReport = await upload.run_batches(found)
            if not note:
                seconds = round(time.perf_counter() - begun, 1)
                made.append(SeededKind(kind, count, report.counts["refused"], seconds))

        await fill("departments", _batch_rows(tree), len(tree), " (tree)")
        await fill("employees", _batch_rows(company.employee_rows()), company.employees)
        await fill("departments", _batch_rows(headed), len(headed))
        await fill("clients", clients, company.clients)
        await _add_flows(system, company)
        await fill("orders", orders, company.orders)
        settling = bars.add_task("spreading the news", total=None, note="")
        await system.settle()
        bars.update(settling, total=1, completed=1)
    made.append(SeededKind("in all", sum(part.rows for part in made), 0, round(time.perf_counter() - started, 1)))
    return made


def _batch_rows(rows: Iterable[dict[str, Any]]) -> Iterator[Batch]:
    return split_into_batches(ImportRow(line, data) for line, data in enumerate(rows, 1))


def _generate_in_process(*kinds: Callable[[], Iterable[dict[str, Any]]]) -> list[Iterator[Batch]]:
    """The rows of each kind, in this order, put together by another process from now on: the services need a whole core."""
    processes = multiprocessing.get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    processes.Process(target=_generate_batches, args=(kinds, sender), daemon=True).start()
    sender.close()  # here; so that an end of the other process is noticed
    return [iter(receiver.recv, None) for _ in kinds]


def _generate_batches(kinds: Iterable[Callable[[], Iterable[dict[str, Any]]]], sender: Connection) -> None:
    for rows in kinds:
        for batch in _batch_rows(rows()):
            sender.send(batch)
        sender.send(None)


async def _add_flows(system: System, company: GeneratedCompany) -> None:
    """The flows of a company of this size. Those of an earlier run with another size stay as they are."""
    for flow in company.flows():
        try:
            await system.call("POST", "/orders/v1/flows", "ops", "service", "director", sub="seed", json=flow)
        except CallRefused as refusal:
            if refusal.reason != "exists":
                raise


def _print_summary(made: list[SeededKind]) -> None:
    table = Table("", "rows", "refused", "seconds")
    for part in made:
        table.add_row(part.kind, f"{part.rows:,}", f"{part.refused:,}", f"{part.seconds:.1f}")
    output.print(table)
