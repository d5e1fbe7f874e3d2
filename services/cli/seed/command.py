"""`holdfast seed`: the command, and how its rows are generated beside the services and sent."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Annotated, Any

import typer
from rich.progress import Progress

from services.cli.imports.rows import ImportRow
from services.cli.imports.upload import Batch, Upload, split_into_batches
from services.cli.options import DataDirOption, JsonOption, TokenOption, UrlOption
from services.cli.output import make_progress_bars, print_result, print_table
from services.cli.seed.company import SeedPlan
from services.cli.system import CallRefused, System, make_target, run_on_system

WORKERS = 8  # calls under way: one in the service, one in the database, one being answered


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
    company = SeedPlan(employees, clients, orders, datetime.now(UTC).date())
    started = time.perf_counter()
    client_batches, order_batches = _generate_in_process(company.client_rows, company.order_rows)
    with make_progress_bars(shown=not as_json) as bars:
        run = SeedRun(company, client_batches, order_batches, bars)
        made = run_on_system(make_target(url, token, data_dir), run.send_all)
    seconds = round(time.perf_counter() - started, 1)
    made.append(SeededKind("in all", sum(part.rows for part in made), 0, seconds))
    summary = [(part.kind, part.rows, part.refused, f"{part.seconds:.1f}") for part in made]
    columns = ("", "rows", "refused", "seconds")
    print_result(as_json, {"made": [asdict(part) for part in made]}, lambda: print_table(columns, summary))
    if any(part.refused for part in made):
        raise typer.Exit(1)


@dataclass(frozen=True)
class SeedRun:
    """One company sent kind by kind; `made` is what was sent by now."""

    company: SeedPlan
    client_batches: Iterator[Batch]
    order_batches: Iterator[Batch]
    bars: Progress
    made: list[SeededKind] = field(default_factory=list)

    async def send_all(self, system: System) -> list[SeededKind]:
        company = self.company
        tree, headed = (list(company.department_rows(headed=headed)) for headed in (False, True))
        await self._send(system, "departments", _batch_rows(tree), len(tree), " (tree)")
        await self._send(system, "employees", _batch_rows(company.employee_rows()), company.employee_count)
        await self._send(system, "departments", _batch_rows(headed), len(headed))
        await self._send(system, "clients", self.client_batches, company.client_count)
        await _add_flows(system, company)
        await self._send(system, "orders", self.order_batches, company.order_count)
        settling = self.bars.add_task("spreading the news", total=None, note="")
        await system.settle()
        self.bars.update(settling, total=1, completed=1)
        return self.made

    async def _send(self, system: System, kind: str, found: Iterator[Batch], count: int, note: str = "") -> None:
        begun = time.perf_counter()
        bar = self.bars.add_task(f"{kind}{note}", total=count, note="")
        upload = Upload(system, kind, sent=lambda done: self.bars.update(bar, advance=done), workers=WORKERS)
        report = await upload.run_batches(found)
        if not note:
            seconds = round(time.perf_counter() - begun, 1)
            self.made.append(SeededKind(kind, count, report.counts["refused"], seconds))


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


async def _add_flows(system: System, company: SeedPlan) -> None:
    """The flows of a company of this size. Those of an earlier run with another size stay as they are."""
    for flow in company.flows():
        try:
            await system.call("POST", "/orders/v1/flows", "ops", "service", "director", sub="seed", json=flow)
        except CallRefused as refusal:
            if refusal.reason != "exists":
                raise
