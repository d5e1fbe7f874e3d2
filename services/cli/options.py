"""Options that several commands have, and the settings that they come to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shared.settings import SERVICES, Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where the embedded database and the local key live.", show_default=".holdfast"),
]


def load_settings(data_dir: Path | None = None, port: int | None = None) -> Settings:
    given: dict[str, Any] = {
        name: value for name, value in (("data_dir", data_dir), ("port", port)) if value is not None
    }
    return Settings(**given)


def parse_duration(duration: str) -> float:
    """`30m` as seconds. Raises `typer.BadParameter`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = duration[:-1], duration[-1:]
    if unit not in units or not number.isdigit():
        raise typer.BadParameter("give a time such as 30m, 1h or 7d")
    return float(int(number) * units[unit])


def require_service_name(name: str) -> None:
    if name not in SERVICES:
        raise typer.BadParameter(f"give one of {', '.join(SERVICES)}")


UrlOption = Annotated[str | None, typer.Option("--url", help="Address of a running system.", show_default=False)]

TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="HOLDFAST_TOKEN", help="Token to call it with.", show_default="of the local key"),
]
