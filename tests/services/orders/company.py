"""A small company as `orders` hears of it, and what its people do."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from shared.contracts.clients import ClientRegistered, Ownership
from shared.contracts.staff import DepartmentChanged, EmployeeHired, EmployeeLeft, EmployeeRehired, EmployeeResigned
from tests.support.house import House

PEOPLE: dict[str, dict[str, float]] = {
    "anna": {"sales": 10},
    "boris": {"sales": 10, "delivery": 10},
    "carla": {"delivery": 10},
    "dmitri": {"delivery": 10, "sales": 2},
    "hanna": {},
}
FLOW = {
    "id": "standard",
    "name": "Standard",
    "stages": [
        {"name": "placement", "function": "sales", "effort": 1, "days": 1},
        {"name": "fulfilment", "function": "delivery", "effort": 2, "days": 10},
    ],
    "separate": [["placement", "fulfilment"]],
}


@asynccontextmanager
async def open_company(**options: Any) -> AsyncIterator[House]:
    """`hanna` heads everybody's department but `dmitri`'s; clients `c-1` to `c-5` are known; the flow exists."""
    async with House.start("orders", **options) as house:
        await house.deliver("orders", DepartmentChanged(department_id="north", name="North", head_id="hanna"))
        await house.deliver("orders", DepartmentChanged(department_id="south", name="South", head_id="olga"))
        for name in PEOPLE:
            await hire(house, name)
        items = [Ownership(client_id=f"c-{n}", to_id="anna", sequence=1) for n in range(1, 6)]
        await house.deliver("orders", ClientRegistered(batch_id="b-1", items=items), source="clients")
        await house.ok("director", "POST", "/orders/v1/flows", json=FLOW)
        yield house


def make_employee_fields(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "employee_id": name,
        "employment_id": f"{name}-1",
        "status": "active",
        "department_id": "south" if name == "dmitri" else "north",
        "functions": PEOPLE.get(name, {}),
        **changed,
    }


async def hire(house: House, name: str, **changed: Any) -> None:
    await house.deliver("orders", EmployeeHired(**make_employee_fields(name, **changed)))


async def resign(house: House, name: str, caretakers: Sequence[str] = ("boris",), sequence: int = 2) -> None:
    today = house.clock.day()
    await house.deliver(
        "orders",
        EmployeeResigned(
            **make_employee_fields(name, status="resigned"),
            notice_on=today,
            last_day=today + timedelta(days=14),
            caretakers=list(caretakers),
        ),
        sequence=sequence,
    )


async def leave(house: House, name: str, sequence: int = 3) -> None:
    await house.deliver(
        "orders",
        EmployeeLeft(**make_employee_fields(name, status="left"), left_on=house.clock.day()),
        sequence=sequence,
    )


async def rehire(house: House, name: str, sequence: int = 4) -> None:
    today = house.clock.day()
    await house.deliver(
        "orders",
        EmployeeRehired(**make_employee_fields(name, employment_id=f"{name}-2", hired_on=today)),
        sequence=sequence,
    )


def make_order_body(house: House, id: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": id,
        "client_id": "c-1",
        "flow_id": "standard",
        "value": "100.00",
        "origin": "own",
        "placed_on": house.clock.day().isoformat(),
        **changed,
    }


async def place_order(
    house: House, id: str, sales: str = "anna", delivery: str = "carla", **changed: Any
) -> dict[str, Any]:
    assignees = {"placement": sales, "fulfilment": delivery}
    answer: dict[str, Any] = await house.ok(
        "service", "POST", "/orders/v1/orders", json=make_order_body(house, id, assignees=assignees, **changed)
    )
    return answer


async def get_stages(house: House, id: str) -> dict[str, tuple[str | None, str]]:
    """By stage: who does it, and its status."""
    shown = await house.ok("director", "GET", f"/orders/v1/orders/{id}")
    return {stage["name"]: (stage["assignee_id"], stage["status"]) for stage in shown["stages"]}


async def work_on_stage(house: House, who: Any, id: str, stage: str, verb: str) -> Any:
    return await house.call(who, "POST", f"/orders/v1/orders/{id}/stages/{stage}/{verb}")


async def assign_stage(house: House, who: Any, id: str, stage: str, to: str, **request: Any) -> Any:
    return await house.call(
        who, "PUT", f"/orders/v1/orders/{id}/stages/{stage}/assignee", json={"employee_id": to}, **request
    )
