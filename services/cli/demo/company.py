"""The first part of the demo: a company's exports come in, and its HRIS is linked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.demo.screen import Screen, StoryStopped
from services.cli.imports.maps import read_map
from services.cli.imports.rows import read_mapped_rows
from services.cli.imports.upload import Upload
from services.cli.system import System
from shared.settings import Settings

FILES = (
    ("departments", "departments.csv"),
    ("employees", "employees.csv"),
    ("departments", "departments.csv"),  # again, now that their heads are known
    ("clients", "customers.csv"),
    ("orders", "orders.csv"),
)
HRIS_SOURCE = "northwind-hris"


@dataclass(frozen=True)
class NorthwindCompany:
    """What the story needs to speak of people and clients by name, and to sign in the HRIS's name."""

    employee_names: Mapping[str, str]
    client_names: Mapping[str, str]
    webhook_secret: str
    zone: ZoneInfo


async def import_company_and_link_hris(
    system: System, folder: Path, screen: Screen, settings: Settings
) -> NorthwindCompany:
    """Imports Northwind and adds its HRIS as a source of webhooks. Raises StoryStopped where a row is refused."""
    zone = ZoneInfo(settings.timezone)
    today = datetime.now(zone).date()
    screen.start_part("A company's exports come in")
    for nth, (kind, file) in enumerate(FILES):
        again = kind in {kind for kind, _ in FILES[:nth]}
        if kind == "orders":
            flow = json.loads((folder / "flow.json").read_text())
            await system.call("POST", "/orders/v1/flows", "ops", "director", "service", sub="demo", json=flow)
        with screen.timed_event(
            f"{file}: {kind} read as {kind}.toml says" + (", again for their heads" if again else "")
        ):
            rows = read_mapped_rows(kind, folder / file, read_map(folder / f"{kind}.toml"), today)
            report = await Upload(system, kind).run(rows)
        if report.refused:
            raise StoryStopped(f"{len(report.refused)} {kind} were refused: {report.refused[0].reason}")
    await system.settle()
    source = await system.call("POST", "/staff/v1/hris/sources", "ops", json={"id": HRIS_SOURCE, "kind": "generic"})
    company = NorthwindCompany(
        employee_names={
            person["id"]: person["name"] for person in await _fetch_all(system, "/staff/v1/employees", "hr")
        },
        client_names={
            client["id"]: client["name"] for client in await _fetch_all(system, "/clients/v1/clients", "service")
        },
        webhook_secret=source.json()["secret"],
        zone=zone,
    )
    screen.print_event(
        f"{len(company.employee_names)} employees and {len(company.client_names)} clients are known; the HRIS has its secret"
    )
    return company


async def _fetch_all(system: System, path: str, *roles: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params = {"limit": 1000}
    while True:
        page = (await system.call("GET", path, *roles, params=params)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        params["cursor"] = page["next_cursor"]
