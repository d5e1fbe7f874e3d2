"""A small company for the tests of clients: people as `staff` announces them, clients through the door."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

from shared.contracts.staff import (
    Absence,
    DepartmentChanged,
    EmployeeChanged,
    EmployeeHired,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationWithdrawn,
)
from tests.support.house import House

BASE = "/clients/v1"


class Town:
    """`clients` alone, with others' messages delivered by hand. Everybody's first employment is `<id>/1`."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sequences: Counter[str] = Counter()
        self.people: dict[str, dict[str, Any]] = {}

    async def deliver(self, message: Any, source: str = "staff") -> int:
        self.sequences[message.subject] += 1
        await self.house.deliver("clients", message, source=source, sequence=self.sequences[message.subject])
        return self.sequences[message.subject]

    async def hire(self, *ids: str, **attributes: Any) -> None:
        for id in ids:
            self.people[id] = {
                "employee_id": id,
                "employment_id": f"{id}/1",
                "functions": {"sales": 40},
                **attributes,
            }
            await self.deliver(EmployeeHired(status="active", **self.people[id]))

    async def change(self, id: str, **attributes: Any) -> None:
        self.people[id].update(attributes)
        await self.deliver(EmployeeChanged(status="active", **self.people[id]))

    async def away(self, id: str) -> None:
        await self.change(id, absences=[Absence(absence_id="a", from_day=self.today)])

    async def resign(self, id: str, *caretakers: str, days: int = 30) -> str:
        """The leaver's notice of today; returns the `ref` of its ground."""
        day = self.today
        return str(
            await self.deliver(
                EmployeeResigned(
                    status="resigned",
                    notice_on=day,
                    last_day=day + timedelta(days=days),
                    caretakers=list(caretakers),
                    **self.people[id],
                )
            )
        )

    async def withdraw(self, id: str) -> None:
        await self.deliver(ResignationWithdrawn(status="active", **self.people[id]))

    async def leave(self, id: str, *caretakers: str) -> None:
        await self.deliver(
            EmployeeLeft(status="left", left_on=self.today, caretakers=list(caretakers), **self.people[id])
        )

    async def rehire(self, id: str) -> None:
        self.people[id]["employment_id"] = f"{id}/2"
        await self.deliver(EmployeeRehired(status="active", **self.people[id]))

    async def department(self, id: str, head: str | None = None, parent: str | None = None) -> None:
        await self.deliver(DepartmentChanged(department_id=id, name=id, head_id=head, parent_id=parent))

    async def client(self, id: str, owner: str, **fields: Any) -> Mapping[str, Any]:
        body = {"id": id, "name": f"Client {id}", "owner_id": owner, **fields}
        client: Mapping[str, Any] = await self.house.ok("service", "POST", f"{BASE}/clients", json=body)
        return client

    async def check(self, employee: str, client: str, action: str = "read") -> str:
        """The reason, as a service hears it."""
        body = {"employee_id": employee, "client_id": client, "action": action}
        reason: str = (await self.house.ok("service", "POST", f"{BASE}/access/check", json=body))["reason"]
        return reason

    async def owner(self, client: str) -> str:
        owner: str = (await self.house.ok("service", "GET", f"{BASE}/clients/{client}"))["owner_id"]
        return owner

    async def transfer(self, *moves: tuple[str, str, str], who: Any = "director", **params: Any) -> list[str]:
        items = [{"client_id": client, "from_id": from_id, "to_id": to_id} for client, from_id, to_id in moves]
        body = {"items": items, "reason": "new districts"}
        answer = await self.house.ok(who, "POST", f"{BASE}/transfers", json=body, params=params)
        return [item["outcome"] for item in answer["items"]]

    @property
    def today(self) -> date:
        return self.house.clock.day()


@asynccontextmanager
async def town(*people: str, **settings: Any) -> AsyncIterator[Town]:
    """A town in which these people work."""
    async with House.start("clients", **settings) as house:
        founded = Town(house)
        await founded.hire(*people)
        yield founded
