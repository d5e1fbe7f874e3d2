"""A small company for the tests of `staff`: a boss, a head of sales, and sellers in her department."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.support.house import House


def employee(id: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": id,
        "name": f"Name of {id}",
        "email": f"{id}@example.com",
        "department_id": "sales",
        "manager_id": "head",
        "functions": {"sales": 40},
        "regions": ["europe"],
        "languages": ["en"],
        "hired_on": "2020-01-01",
        **fields,
    }


class Company:
    """`sellers` are `s-1`, `s-2`…; `hris` is a source whose secret is `secret`."""

    def __init__(self, house: House, secret: str) -> None:
        self.house, self.secret = house, secret

    async def webhook(self, type: str, data: dict[str, Any], minutes: float = 0, id: str | None = None) -> Any:
        """News said so many minutes from now (before now, if negative)."""
        moment = self.house.clock() + timedelta(minutes=minutes)
        return await self.house.webhook("hris", self.secret, type, data, timestamp=moment, id=id)

    async def news(self, type: str, data: dict[str, Any], minutes: float = 0, id: str | None = None) -> str:
        """The same, for news that must be accepted: its outcome."""
        answer = await self.webhook(type, data, minutes, id)
        assert answer.status_code == 202, answer.text
        outcome: str = answer.json()["outcome"]
        return outcome

    async def get(self, employee_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.house.ok("hr", "GET", f"/staff/v1/employees/{employee_id}")
        return found

    async def events(self, employee_id: str) -> list[str]:
        """The types of what was published about this employee, without journal entries."""
        sent = await self.house.sent("staff")
        subject = f"employee/{employee_id}"
        return [e.data.type for e in sent if e.subject == subject and e.data.type != "journal.entry"]

    async def journal(self) -> list[str]:
        return [envelope.data.kind for envelope in await self.house.sent("staff", "journal.entry")]

    def day(self, ahead: int = 0) -> str:
        return self.house.clock.day(ahead).isoformat()


@asynccontextmanager
async def company(sellers: int = 3, **settings: Any) -> AsyncIterator[Company]:
    async with House.start("staff", **settings) as house:
        await house.ok("hr", "POST", "/staff/v1/departments", json={"id": "company", "name": "Company"})
        sales = {"id": "sales", "name": "Sales", "parent_id": "company"}
        await house.ok("hr", "POST", "/staff/v1/departments", json=sales)
        boss = employee("boss", department_id="company", manager_id=None)
        await house.ok("hr", "POST", "/staff/v1/employees", json=boss)
        await house.ok("hr", "POST", "/staff/v1/employees", json=employee("head", manager_id="boss"))
        await house.ok("hr", "PATCH", "/staff/v1/departments/company", json={"head_id": "boss"})
        await house.ok("hr", "PATCH", "/staff/v1/departments/sales", json={"head_id": "head"})
        for number in range(1, sellers + 1):
            await house.ok("hr", "POST", "/staff/v1/employees", json=employee(f"s-{number}"))
        source = await house.ok("ops", "POST", "/staff/v1/hris/sources", json={"id": "hris", "kind": "generic"})
        yield Company(house, source["secret"])
