"""A small sales company in all four services, and what its people do during a departure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from shared.settings import SERVICES
from tests.support.days import today
from tests.support.house import House
from tests.support.postgres import create_database

SELLERS = ("nora", "otto", "petra")
FLOW = {
    "id": "standard",
    "name": "Standard",
    "stages": [
        {"name": "placement", "function": "sales", "effort": 1, "days": 2},
        {"name": "delivery", "function": "delivery", "effort": 1, "days": 10},
    ],
    "separate": [["placement", "delivery"]],
}


MORNING = today().morning  # no test meets a midnight that it does not ask for
BUILT: dict[tuple[int, int], dict[str, str]] = {}


@asynccontextmanager
async def company(clients: int = 4, orders: int = 1, **options: Any) -> AsyncIterator[House]:
    """`hanna` heads sales; `nora`, `otto` and `petra` sell, `dana` delivers. `nora` has the clients and the open orders."""
    if (clients, orders) not in BUILT:
        BUILT[clients, orders] = await build(clients, orders)
    async with House.start(templates=BUILT[clients, orders], policy_required=False, **options) as house:
        house.clock.set(MORNING)
        yield house


async def build(clients: int, orders: int) -> dict[str, str]:
    """Databases of the company, by service, to be cloned."""
    urls = {name: await create_database(name) for name in SERVICES}
    house = House(SERVICES, urls, {"policy_required": False}, twice=False)
    await house.open()
    house.clock.set(MORNING - timedelta(hours=1))
    try:
        await house.ok("hr", "POST", "/staff/v1/departments", json={"id": "sales", "name": "Sales"})
        await hire(house, "hanna", sales=0)
        await house.ok("hr", "PATCH", "/staff/v1/departments/sales", json={"head_id": "hanna"})
        for name in SELLERS:
            await hire(house, name, manager="hanna")
        await hire(house, "dana", sales=0, delivery=40, manager="hanna")
        await house.ok("hr", "PUT", "/staff/v1/employees/nora/deputy", json={"deputy_id": "otto"})
        await house.settle()
        for number in range(1, clients + 1):
            client = {"id": f"c-{number}", "name": f"Client {number}", "owner_id": "nora", "value": f"{number}000.00"}
            await house.ok("service", "POST", "/clients/v1/clients", json={**client, "contacts": []})
        await house.settle()
        await house.ok("director", "POST", "/orders/v1/flows", json=FLOW)
        for number in range(1, orders + 1):
            order = {
                "id": f"o-{number}",
                "client_id": f"c-{number}",
                "flow_id": "standard",
                "value": "500.00",
                "origin": "own",
                "placed_on": house.clock.day().isoformat(),
                "assignees": {"placement": "nora", "delivery": "dana"},
            }
            await house.ok("service", "POST", "/orders/v1/orders", json=order)
        await house.settle()
    finally:
        await house.close()
    return {name: url.split("/")[3].split("?")[0] for name, url in urls.items()}


async def hire(house: House, name: str, manager: str | None = None, **functions: float) -> None:
    points = {"sales": 40, **functions}
    employee = {
        "id": name,
        "name": name.title(),
        "email": f"{name}@example.org",
        "department_id": "sales",
        "functions": {function: number for function, number in points.items() if number},
        "hired_on": "2020-01-01",
        **({"manager_id": manager} if manager else {}),
    }
    await house.ok("hr", "POST", "/staff/v1/employees", json=employee)


async def resign(house: House, name: str = "nora", days: int = 14) -> dict[str, Any]:
    """Announces the departure; returns the case."""
    last_day = (house.clock.day() + timedelta(days=days)).isoformat()
    await house.ok("hr", "POST", f"/staff/v1/employees/{name}/resignation", json={"last_day": last_day})
    await house.settle()
    return await case_of(house, name)


async def case_of(house: House, name: str = "nora") -> dict[str, Any]:
    """The newest case of this employee."""
    found = await house.rows(
        "offboarding", "SELECT id FROM cases WHERE employee_id = :id ORDER BY opened_at DESC, id LIMIT 1", id=name
    )
    case: dict[str, Any] = await house.ok("hr", "GET", f"/offboarding/v1/cases/{found[0]['id']}")
    return case


def steps(case: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in case["steps"]}


def waits(case: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(one["what"], one["who_id"]) for one in case["waiting_for"]}


HEAD = ("sales_head", "hanna")


async def approve(house: House, case: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The head of sales approves the newest plan."""
    plan = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case['id']}/plan")
    body = {"version": plan["version"], **changed}
    await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/plan/approval", json=body)
    await house.settle()
    return await case_of(house, case["employee_id"])


async def listed(house: House, path: str, who: Any = HEAD) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.ok(who, "GET", f"/offboarding/v1/{path}"))["items"]
    return items


async def do_tasks(house: House, case: dict[str, Any]) -> None:
    """Everybody does their open tasks."""
    for task in await listed(house, f"tasks?case_id={case['id']}"):
        if task["status"] == "open":
            who = ("employee", task["assignee_id"])
            await house.ok(who, "POST", f"/offboarding/v1/tasks/{task['id']}/complete", json={"proof": "seen"})
    await house.settle()


async def introduce(house: House, case: dict[str, Any]) -> None:
    """Every client meets its successor and confirms."""
    for one in await listed(house, f"cases/{case['id']}/introductions"):
        leaver, successor = ("employee", one["from_id"]), ("employee", one["to_id"])
        for who, verb in ((successor, "accept"), (leaver, "brief"), (leaver, "introduce"), (successor, "confirm")):
            await house.ok(who, "POST", f"/offboarding/v1/introductions/{one['id']}/{verb}", json={})
        await house.settle()


async def leave(house: House, name: str = "nora") -> dict[str, Any]:
    """The last day is over, as the HRIS says."""
    await house.ok("hr", "POST", f"/staff/v1/employees/{name}/departure", json={"on": house.clock.day().isoformat()})
    await house.settle()
    return await case_of(house, name)
