"""`up`, `serve`, `migrate` and `token`: the commands that run the system."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import DataDirOption, JsonOption, load_settings, parse_duration, require_service_name
from services.cli.output import errors, print_result
from services.cli.server import open_address_file, require_free_port, run_on_server_loop, serve_app
from services.wiring import (
    create_and_migrate_databases,
    load_or_create_signing_key,
    load_signing_key,
    open_embedded_system,
    open_replica,
)
from shared.auth import ROLES, create_key_file, make_token_keys
from shared.settings import SERVICES
from shared.telemetry import configure_logging, configure_tracing


def serve_embedded_system(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Run everything in one process, embedded PostgreSQL included.

    Example: holdfast up --port 8000 --data-dir .holdfast
    """
    settings = load_settings(data_dir, port)
    configure_logging(settings.log_level)
    configure_tracing("embedded")

    async def run() -> None:
        async with open_embedded_system(settings) as embedded:
            address = f"http://{host}:{settings.port}"
            require_free_port(host, settings.port)
            if settings.last_resort is None:
                errors.print(
                    "[yellow]HOLDFAST_LAST_RESORT is not set: clients may stay without a caretaker. Set it to the id of an "
                    "employee.[/yellow]"
                )
            errors.print(f"Holdfast serves at [bold]{address}[/bold]  (documents: {address}/docs)")
            with open_address_file(settings, address):
                await serve_app(embedded.front, host, settings.port)

    run_on_server_loop(run())


def serve_replica(
    name: Annotated[str, typer.Argument(help="staff, clients, orders or offboarding")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
) -> None:
    """Run one replica of one service, on Kafka and its own database.

    Example: DATABASE_URL=… KAFKA_BOOTSTRAP_SERVERS=… HOLDFAST_URL=… HOLDFAST_SIGNING_KEY_FILE=… holdfast serve staff
    """
    require_service_name(name)
    settings = load_settings(port=port)
    configure_logging(settings.log_level)
    configure_tracing(name)

    async def run() -> None:
        async with open_replica(name, settings) as app:
            await serve_app(app, host, settings.port)

    run_on_server_loop(run())


def migrate_databases(
    name: Annotated[str | None, typer.Argument(help="One service; all four if left out.")] = None,
) -> None:
    """Bring the databases to the newest version, creating those that do not exist.

    Example: DATABASE_URL=postgresql://…/staff holdfast migrate staff
    """
    if name is not None:
        require_service_name(name)
    asyncio.run(create_and_migrate_databases([name] if name else SERVICES, load_settings()))
    errors.print(f"{name or 'All databases'}: at the newest version.")


def print_token_or_make_key(
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
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Print one token, made with the local key.

    Example: holdfast token --role hr --sub 7 --ttl 1h
    """
    if new_key_file is not None:
        if new_key_file.exists():
            raise typer.BadParameter("this file exists; a key is never overwritten")
        create_key_file(new_key_file)
        errors.print(f"A new Ed25519 key is in {new_key_file}.")
        return
    if not role or not ROLES.issuperset(role):
        raise typer.BadParameter(f"give --role, one or more of {', '.join(sorted(ROLES))}")
    settings = load_settings(data_dir)
    signing = load_signing_key(key) if key else load_or_create_signing_key(settings)
    lasts, now = parse_duration(ttl), datetime.now(UTC)
    signed = make_token_keys(settings, signing).issue_token(sub or role[0], role, lasts, system)
    expires_at = (now + timedelta(seconds=lasts)).isoformat(timespec="seconds")
    result = {"token": signed, "sub": sub or role[0], "roles": role, "expires_at": expires_at}
    print_result(as_json, result, lambda: typer.echo(signed))
