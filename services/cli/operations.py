"""`hris add`, `parked` and `republish`: what the person who runs it does at the command line."""

from typing import Annotated, Any

import typer

from services.cli.options import DataDirOption, JsonOption, TokenOption, UrlOption, require_service_name
from services.cli.output import errors, output, print_result, print_table
from services.cli.system import CallRefused, System, make_target, run_on_system
from shared.settings import SERVICES

hris_app = typer.Typer(help="Links to the system that announces hires and departures.", no_args_is_help=True)
parked_app = typer.Typer(help="Keys whose message failed and that wait for a person.", no_args_is_help=True)

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
    body, path = {"id": source_id, "kind": kind}, f"/staff/v1/hris/webhooks/{source_id}"
    source = run_on_system(
        make_target(url, token, data_dir),
        lambda system: system.call("POST", "/staff/v1/hris/sources", "ops", json=body),
    ).json()

    def show() -> None:
        if source["secret"] is None:
            errors.print(
                f"{source_id} is there already, and its secret is not shown again. A new one is made by\n"
                f"POST /staff/v1/hris/sources/{source_id}/secret; the old one stays valid for a day.",
                style="red",
            )
            raise typer.Exit(1)
        errors.print(f"Send webhooks to {path}. The secret, which is not shown again:", highlight=False)
        typer.echo(source["secret"])

    print_result(as_json, {**source, "webhooks": path}, show)


@parked_app.command("list")
def list_parked_keys(
    as_json: JsonOption = False, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """List the keys that wait or are parked, in all services.

    Example: holdfast parked list --json
    """
    keys = run_on_system(make_target(url, token, data_dir), _fetch_parked_keys)
    print_result(as_json, {"items": keys}, lambda: _print_parked_keys(keys))


@parked_app.command("replay")
def replay_parked_key(
    key_id: ParkedKeyArgument, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """Try a parked key again, from its first message.

    Example: holdfast parked replay 0198c0de-…
    """
    run_on_system(make_target(url, token, data_dir), lambda system: _act_on_parked_key(system, key_id, "replay"))
    output.print("The key is tried again.")


@parked_app.command("skip")
def skip_parked_message(
    key_id: ParkedKeyArgument, url: UrlOption = None, token: TokenOption = None, data_dir: DataDirOption = None
) -> None:
    """Drop the first message of a parked key and go on with the next.

    Example: holdfast parked skip 0198c0de-…
    """
    run_on_system(make_target(url, token, data_dir), lambda system: _act_on_parked_key(system, key_id, "skip"))
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
    done = run_on_system(
        make_target(url, token, data_dir), lambda system: system.call("POST", f"/{service}/v1/republish", "ops")
    ).json()
    text = f"{service}: {done['events']:,} events published again."
    print_result(as_json, {"service": service, **done}, lambda: output.print(text, highlight=False))


async def _fetch_parked_keys(system: System) -> list[dict[str, Any]]:
    return [
        {"service": name, **key}
        for name in SERVICES
        for key in (await system.call("GET", f"/{name}/v1/parked?limit=1000", "ops")).json()["items"]
    ]


def _print_parked_keys(keys: list[dict[str, Any]]) -> None:
    if not keys:
        output.print("No key waits.")
        return
    columns = ("id", "service", "key", "message", "queued", "tries", "error", "parked since")
    names = ("id", "service", "key", "type", "messages", "attempts", "error", "parked_at")
    shown = [{**key, "type": key["type"] or "", "parked_at": key["parked_at"] or "still tried"} for key in keys]
    print_table(columns, ([str(key[name]) for name in names] for key in shown))


async def _act_on_parked_key(system: System, key_id: str, act: str) -> None:
    """Asks every service, since the id does not say whose key it is. Raises CallRefused as the service with it does."""
    for name in SERVICES:
        try:
            await system.call("POST", f"/{name}/v1/parked/{key_id}/{act}", "ops")
            return
        except CallRefused as refusal:
            if refusal.status != 404 or name == SERVICES[-1]:
                raise
