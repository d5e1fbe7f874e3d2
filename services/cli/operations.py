"""`hris add`, `parked` and `republish`: what the person who runs it does at the command line."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.options import DataDirOption, JsonOption, TokenOption, UrlOption, require_service_name
from services.cli.system import CallRefused, Target, errors, make_target, open_system, run_command
from shared.settings import SERVICES

hris_app = typer.Typer(help="Links to the system that announces hires and departures.", no_args_is_help=True)
parked_app = typer.Typer(help="Keys whose message failed and that wait for a person.", no_args_is_help=True)
output = Console()
ParkedKeyArgument = Annotated[str, typer.Argument(help="Id of the parked key, from `holdfast parked list`.")]


@hris_app.command("add")
def add_hris_source(
    source_id: Annotated[str, typer.Argument(help="The id of the source, chosen by you.", metavar="ID")],
    kind: Annotated[str, typer.Option(help="generic, bamboohr, personio, gusto, onec or csv")] = "generic",
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a source of webhooks and print its secret, this one time.

    Example: holdfast hris add main --kind generic
    """
    target = make_target(url, token, data_dir)
    source = run_command(_call_system(target, "POST", "/staff/v1/hris/sources", json={"id": source_id, "kind": kind}))
    path = f"/staff/v1/hris/webhooks/{source_id}"
    if as_json:
        typer.echo(json.dumps({**source, "webhooks": path}))
        return
    if source["secret"] is None:
        errors.print(
            f"{source_id} is there already, and its secret is not shown again. A new one is made by", style="red"
        )
        errors.print(f"POST /staff/v1/hris/sources/{source_id}/secret; the old one stays valid for a day.", style="red")
        raise typer.Exit(1)
    errors.print(f"Send webhooks to {path}. The secret, which is not shown again:", highlight=False)
    typer.echo(source["secret"])


@parked_app.command("list")
def list_parked_keys(
    as_json: JsonOption = False, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """List the keys that wait or are parked, in all services.

    Example: holdfast parked list --json
    """
    keys = run_command(_fetch_parked_keys(make_target(url, token, data_dir)))
    if as_json:
        typer.echo(json.dumps({"items": keys}))
        return
    if not keys:
        output.print("No key waits.")
        return
    table = Table("id", "service", "key", "message", "queued", "tries", "error", "parked since")
    for key in keys:
        table.add_row(
            key["id"],
            key["service"],
            key["key"],
            key["type"] or "",
            str(key["messages"]),
            str(key["attempts"]),
            key["error"],
            key["parked_at"] or "still tried",
        )
    output.print(table)


@parked_app.command("replay")
def replay_parked_key(
    key_id: ParkedKeyArgument, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """Try a parked key again, from its first message.

    Example: holdfast parked replay 0198c0de-…
    """
    run_command(_call_service_with_key(make_target(url, token, data_dir), key_id, "replay"))
    output.print("The key is tried again.")


@parked_app.command("skip")
def skip_parked_message(
    key_id: ParkedKeyArgument, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """Drop the first message of a parked key and go on with the next.

    Example: holdfast parked skip 0198c0de-…
    """
    run_command(_call_service_with_key(make_target(url, token, data_dir), key_id, "skip"))
    output.print("The first message of the key was dropped.")


def republish_service(
    service: Annotated[str, typer.Argument(help="staff, clients, orders or offboarding")],
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Send the full present state of a service again, for one that comes late or back from a restore.

    Example: holdfast republish staff
    """
    require_service_name(service)
    done = run_command(_call_system(make_target(url, token, data_dir), "POST", f"/{service}/v1/republish"))
    if as_json:
        typer.echo(json.dumps({"service": service, **done}))
    else:
        output.print(f"{service}: {done['events']:,} events published again.", highlight=False)


async def _call_system(target: Target, method: str, path: str, json: Any = None) -> Any:
    async with open_system(target) as system:
        answer = await system.call(method, path, "ops", json=json)
        return answer.json() if answer.content else {}


async def _fetch_parked_keys(target: Target) -> list[dict[str, Any]]:
    async with open_system(target) as system:
        return [
            {"service": name, **key}
            for name in SERVICES
            for key in (await system.call("GET", f"/{name}/v1/parked?limit=1000", "ops")).json()["items"]
        ]


async def _call_service_with_key(target: Target, key_id: str, verb: str) -> None:
    """Asks every service, since the id does not say whose key it is. Raises CallRefused as the service with it does."""
    async with open_system(target) as system:
        for name in SERVICES:
            try:
                await system.call("POST", f"/{name}/v1/parked/{key_id}/{verb}", "ops")
                return
            except CallRefused as refusal:
                if refusal.status != 404 or name == SERVICES[-1]:
                    raise
