"""`hris add`, `parked` and `republish`: what the person who runs it does at the command line."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.calling import CallRefused, Target, Token, Url, errors, reach, run, target_of
from services.cli.running import DataDir, Json, must_be_service
from shared.settings import SERVICES

hris = typer.Typer(help="Links to the system that announces hires and departures.", no_args_is_help=True)
parked = typer.Typer(help="Keys whose message failed and that wait for a person.", no_args_is_help=True)

output = Console()

KeyId = Annotated[str, typer.Argument(help="Id of the parked key, from `holdfast parked list`.")]


@hris.command("add")
def add_source(
    source_id: Annotated[str, typer.Argument(help="The id of the source, chosen by you.", metavar="ID")],
    kind: Annotated[str, typer.Option(help="generic, bamboohr, personio, gusto, onec or csv")] = "generic",
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = None,
) -> None:
    """Add a source of webhooks and print its secret, this one time.

    Example: holdfast hris add main --kind generic
    """
    target = target_of(url, token, data_dir)
    source = run(_call(target, "POST", "/staff/v1/hris/sources", json={"id": source_id, "kind": kind}))
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


@parked.command("list")
def list_parked(as_json: Json = False, url: Url = None, token: Token = None, data_dir: DataDir = None) -> None:
    """List the keys that wait or are parked, in all services.

    Example: holdfast parked list --json
    """
    keys = run(_parked(target_of(url, token, data_dir)))
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


@parked.command("replay")
def replay(key_id: KeyId, url: Url = None, token: Token = None, data_dir: DataDir = None) -> None:
    """Try a parked key again, from its first message.

    Example: holdfast parked replay 0198c0de-…
    """
    _settle_parked(target_of(url, token, data_dir), key_id, "replay")
    output.print("The key is tried again.")


@parked.command("skip")
def skip(key_id: KeyId, url: Url = None, token: Token = None, data_dir: DataDir = None) -> None:
    """Drop the first message of a parked key and go on with the next.

    Example: holdfast parked skip 0198c0de-…
    """
    _settle_parked(target_of(url, token, data_dir), key_id, "skip")
    output.print("The first message of the key was dropped.")


def republish(
    service: Annotated[str, typer.Argument(help="staff, clients, orders or offboarding")],
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = None,
) -> None:
    """Send the full present state of a service again, for one that comes late or back from a restore.

    Example: holdfast republish staff
    """
    must_be_service(service)
    done = run(_call(target_of(url, token, data_dir), "POST", f"/{service}/v1/republish"))
    if as_json:
        typer.echo(json.dumps({"service": service, **done}))
    else:
        output.print(f"{service}: {done['events']:,} events published again.", highlight=False)


async def _call(target: Target, method: str, path: str, json: Any = None) -> Any:
    async with reach(target) as system:
        answer = await system.call(method, path, "ops", json=json)
        return answer.json() if answer.content else {}


async def _parked(target: Target) -> list[dict[str, Any]]:
    async with reach(target) as system:
        return [
            {"service": name, **key}
            for name in SERVICES
            for key in (await system.call("GET", f"/{name}/v1/parked?limit=1000", "ops")).json()["items"]
        ]


def _settle_parked(target: Target, key_id: str, verb: str) -> None:
    run(_where_it_is(target, key_id, verb))


async def _where_it_is(target: Target, key_id: str, verb: str) -> None:
    """Asks every service, since the id does not say whose key it is. Raises CallRefused as the service with it does."""
    async with reach(target) as system:
        for name in SERVICES:
            try:
                await system.call("POST", f"/{name}/v1/parked/{key_id}/{verb}", "ops")
                return
            except CallRefused as refusal:
                if refusal.status != 404 or name == SERVICES[-1]:
                    raise
