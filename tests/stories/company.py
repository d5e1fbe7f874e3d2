"""The company that every story happens in, built once per test process through the doors, then cloned.

    firm (dora)                         dora: last resort of everybody
    ├── sales (hana)                    anna ↔ ben deputies; cleo's deputy: ben; hana's: cleo
    └── works (emil)                    fred ↔ gita deputies

anna has c-1 to c-5, ben c-6 to c-8, cleo c-9 to c-11, hana c-12. Orders of the flow `machine` go through the hands of
sales, engineering and delivery, whose stages must be in different ones.
"""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from shared.settings import SERVICES
from tests.support.days import today
from tests.support.house import House
from tests.support.postgres import create_database

SETTINGS: Mapping[str, Any] = {"last_resort": "dora"}
SECRET = "whsec_" + "c3Rvcmllcy1hcmUtc2lnbmVkLXdpdGgtdGhpcw=="
EMPLOYEES: Mapping[str, Mapping[str, Any]] = {
    "dora": {"department_id": "firm"},
    "hana": {"department_id": "sales", "manager_id": "dora", "functions": {"sales": 30}},
    "emil": {"department_id": "works", "manager_id": "dora", "functions": {"engineering": 20}},
    "anna": {"department_id": "sales", "manager_id": "hana", "functions": {"sales": 40}},
    "ben": {"department_id": "sales", "manager_id": "hana", "functions": {"sales": 40}},
    "cleo": {"department_id": "sales", "manager_id": "hana", "functions": {"sales": 40}},
    "fred": {"department_id": "works", "manager_id": "emil", "functions": {"engineering": 40, "delivery": 20}},
    "gita": {"department_id": "works", "manager_id": "emil", "functions": {"engineering": 20, "delivery": 40}},
}
DEPUTIES = {"anna": "ben", "ben": "anna", "cleo": "ben", "hana": "cleo", "fred": "gita", "gita": "fred"}
HEADS = {"firm": "dora", "sales": "hana", "works": "emil"}
OWNERS = {
    **{f"c-{number}": "anna" for number in range(1, 6)},
    **{f"c-{number}": "ben" for number in range(6, 9)},
    **{f"c-{number}": "cleo" for number in range(9, 12)},
    "c-12": "hana",
}
FLOWS: tuple[Mapping[str, Any], ...] = (
    {
        "id": "machine",
        "name": "Machines to order",
        "stages": [
            {"name": "offer", "function": "sales", "effort": 1, "days": 2},
            {"name": "building", "function": "engineering", "effort": 3, "days": 10},
            {"name": "delivery", "function": "delivery", "effort": 2, "days": 5},
        ],
        "separate": [["offer", "building"], ["building", "delivery"]],
    },
    {
        "id": "upkeep",
        "name": "Upkeep",
        "stages": [
            {"name": "contract", "function": "sales", "effort": 1, "days": 1},
            {"name": "visit", "function": "delivery", "effort": 1, "days": 3},
        ],
        "separate": [["contract", "visit"]],
    },
)
ORDERS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("o-1", "c-1", "machine", {"offer": "anna", "building": "fred", "delivery": "gita"}),
    ("o-2", "c-2", "machine", {"offer": "anna", "building": "gita", "delivery": "fred"}),
    ("o-3", "c-3", "upkeep", {"contract": "anna", "visit": "gita"}),
    ("o-4", "c-6", "machine", {"offer": "ben", "building": "fred", "delivery": "gita"}),
    ("o-5", "c-7", "upkeep", {"contract": "ben", "visit": "fred"}),
    ("o-6", "c-9", "machine", {"offer": "cleo", "building": "emil", "delivery": "gita"}),
    ("o-7", "c-10", "upkeep", {"contract": "anna", "visit": "gita"}),
    ("o-8", "c-12", "upkeep", {"contract": "hana", "visit": "fred"}),
)


MORNING = today().morning


def start_clock(house: House) -> None:
    """It is the morning of the story: none meets a midnight that it does not ask for."""
    house.clock.set(MORNING)


_built: dict[str, str] = {}
_building = asyncio.Lock()


async def create_template_databases() -> Mapping[str, str]:
    """The databases of the built company by service, to clone."""
    async with _building:
        if not _built:
            urls = {name: await create_database(name) for name in SERVICES}
            house = House(SERVICES, urls, SETTINGS, twice=False)
            await house.open()
            try:
                start_clock(house)
                house.clock.move(hours=-1)
                await build_company(house)
            finally:
                await house.close()
            _built.update({name: url.split("/")[3].split("?")[0] for name, url in urls.items()})
    return _built


async def build_company(house: House) -> None:
    for id, parent_id in (("firm", None), ("sales", "firm"), ("works", "firm")):
        await house.ok("hr", "POST", "/staff/v1/departments", json={"id": id, "name": id, "parent_id": parent_id})
    for id, employee in EMPLOYEES.items():
        body: dict[str, Any] = {
            "id": id,
            "name": f"{id} of the story",
            "email": f"{id}@example.org",
            "hired_on": "2020-01-01",
        }
        body |= {"regions": ["de"], "languages": ["de", "en"], **employee}
        await house.ok("hr", "POST", "/staff/v1/employees", json=body)
    for id, head in HEADS.items():
        await house.ok("hr", "PATCH", f"/staff/v1/departments/{id}", json={"head_id": head})
    for id, deputy in DEPUTIES.items():
        await house.ok("hr", "PUT", f"/staff/v1/employees/{id}/deputy", json={"deputy_id": deputy})
    source = {"id": "hris", "kind": "generic", "secret": SECRET}
    await house.ok("ops", "POST", "/staff/v1/hris/sources", json=source)
    await house.settle()
    for number, (id, owner) in enumerate(OWNERS.items()):
        await register_client(house, id, owner, value=f"{1000 * (number + 1)}.00")
    for kind in FLOWS:
        await house.ok(DIRECTOR, "POST", "/orders/v1/flows", json=kind)
    await house.settle()
    placed_on = house.clock.day(-1).isoformat()
    for id, client, flow, assignees in ORDERS:
        order: dict[str, Any] = {"id": id, "client_id": client, "flow_id": flow, "value": "500.00", "origin": "own"}
        order |= {"placed_on": placed_on, "assignees": assignees}
        await house.ok("service", "POST", "/orders/v1/orders", json=order)
    await house.settle()


DIRECTOR = (("director", "employee"), "dora")


async def register_client(house: House, id: str, owner: str, value: str = "100.00") -> None:
    team = {"engineering": "fred" if owner == "anna" else "gita"}
    client: dict[str, Any] = {"id": id, "name": f"Client {id}", "owner_id": owner, "value": value, "team": team}
    client |= {"regions": ["de"], "languages": ["de"], "contacts": [{"name": "One Person", "email": "one@example.org"}]}
    await house.ok("service", "POST", "/clients/v1/clients", json=client)


def get_day(ahead: int) -> date:
    """A day counted from the morning of the story."""
    return (MORNING + timedelta(days=ahead)).date()
