"""`up`, `serve`, `migrate` and `token`: the commands that run the system."""

import asyncio
import contextlib
import errno
import gc
import json
import signal
import socket
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvicorn
from rich.console import Console
from starlette.types import ASGIApp

from services import wiring
from shared.auth import ROLES, create_key_file, make_token_keys
from shared.settings import SERVICES, Settings
from shared.telemetry import configure_logging, configure_tracing

console = Console(stderr=True)
T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where the embedded database and the local key live.", show_default=".holdfast"),
]


def settings_with(data_dir: Path | None = None, port: int | None = None) -> Settings:
    given: dict[str, Any] = {
        name: value for name, value in (("data_dir", data_dir), ("port", port)) if value is not None
    }
    return Settings(**given)


def must_be_free(host: str, port: int) -> None:
    """Before anything is promised. Raises `typer.BadParameter`."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise typer.BadParameter(f"port {port} is taken; give another one", param_hint="--port") from None


def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    data_dir: DataDir = None,
) -> None:
    """Run everything in one process, embedded PostgreSQL included.

    Example: holdfast up --port 8000 --data-dir .holdfast
    """
    settings = settings_with(data_dir, port)
    configure_logging(settings.log_level)
    configure_tracing("embedded")

    async def run() -> None:
        async with wiring.up(settings) as embedded:
            address = f"http://{host}:{settings.port}"
            must_be_free(host, settings.port)
            if settings.last_resort is None:
                console.print(
                    "[yellow]HOLDFAST_LAST_RESORT is not set: clients may stay without a caretaker. Set it to the id of an "
                    "employee.[/yellow]"
                )
            console.print(f"Holdfast serves at [bold]{address}[/bold]  (documents: {address}/docs)")
            with published_address(settings, address):
                await listen(embedded.front, host, settings.port)

    run_serving(run())


def serve(
    name: Annotated[str, typer.Argument(help="staff, clients, orders or offboarding")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
) -> None:
    """Run one replica of one service, on Kafka and its own database.

    Example: DATABASE_URL=… KAFKA_BOOTSTRAP_SERVERS=… HOLDFAST_URL=… HOLDFAST_SIGNING_KEY_FILE=… holdfast serve staff
    """
    must_be_service(name)
    settings = settings_with(port=port)
    configure_logging(settings.log_level)
    configure_tracing(name)

    async def run() -> None:
        async with wiring.serve(name, settings) as app:
            await listen(app, host, settings.port)

    run_serving(run())


def migrate(
    name: Annotated[str | None, typer.Argument(help="One service; all four if left out.")] = None,
) -> None:
    """Bring the databases to the newest version, creating those that do not exist.

    Example: DATABASE_URL=postgresql://…/staff holdfast migrate staff
    """
    if name is not None:
        must_be_service(name)
    asyncio.run(wiring.prepare([name] if name else SERVICES, settings_with()))
    console.print(f"{name or 'All databases'}: at the newest version.")


def token(
    role: Annotated[list[str] | None, typer.Option(help="A role; may be given several times.")] = None,
    sub: Annotated[str | None, typer.Option(help="Employee id or service name; the first role if left out.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is valid: 30m, 1h, 7d.")] = "1h",
    system: Annotated[
        str | None, typer.Option(help="The application that will send it (claim `azp`); the journal keeps it.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Sign with this key instead of the data folder's.", exists=True, dir_okay=False)
    ] = None,
    new_key_file: Annotated[
        Path | None, typer.Option("--new-key", help="Make a signing key in this file, and end.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print one token, made with the local key.

    Example: holdfast token --role hr --sub 7 --ttl 1h
    """
    if new_key_file is not None:
        if new_key_file.exists():
            raise typer.BadParameter("this file exists; a key is never overwritten")
        create_key_file(new_key_file)
        console.print(f"A new Ed25519 key is in {new_key_file}.")
        return
    if not role or not ROLES.issuperset(role):
        raise typer.BadParameter(f"give --role, one or more of {', '.join(sorted(ROLES))}")
    settings = settings_with(data_dir)
    signing = wiring.key_in(key) if key else wiring.local_key(settings)
    lasts, now = seconds(ttl), datetime.now(UTC)
    signed = make_token_keys(settings, signing).token(sub or role[0], role, lasts, system)
    if as_json:
        expires_at = (now + timedelta(seconds=lasts)).isoformat(timespec="seconds")
        typer.echo(json.dumps({"token": signed, "sub": sub or role[0], "roles": role, "expires_at": expires_at}))
    else:
        typer.echo(signed)


def seconds(duration: str) -> float:
    """`30m` as seconds. Raises `typer.BadParameter`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = duration[:-1], duration[-1:]
    if unit not in units or not number.isdigit():
        raise typer.BadParameter("give a time such as 30m, 1h or 7d")
    return float(int(number) * units[unit])


def must_be_service(name: str) -> None:
    if name not in SERVICES:
        raise typer.BadParameter(f"give one of {', '.join(SERVICES)}")


@contextlib.contextmanager
def published_address(settings: Settings, address: str) -> Any:
    """Other commands on the same data folder find the running system by this file."""
    path = settings.data_dir / "address"
    path.write_text(address)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def run_serving(main: Coroutine[Any, Any, T]) -> T:
    """Runs on the event loop that uvicorn itself would choose: uvloop where there is one.

    What is loaded by now stays, and what a message or a page of rows needs is gone soon after: looking for cycles among
    all of it after every 700 objects cost a third of the time of an import.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        return runner.run(main)


async def listen(app: ASGIApp, host: str, port: int) -> None:
    """Serves until the process is told to end."""
    config = uvicorn.Config(
        app, host=host, port=port, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=10
    )
    # uvicorn ends by raising the signal again; as an exit it lets everything close, the embedded database too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    await uvicorn.Server(config).serve()
