"""What every part of the story needs: the system that it runs on, the company that it tells of, and the screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.cli.demo.company import NorthwindCompany
from services.cli.demo.screen import Screen
from services.cli.system import System
from shared.auth import Role


@dataclass(frozen=True)
class Story:
    system: System
    company: NorthwindCompany
    screen: Screen

    @property
    def client_names(self) -> Mapping[str, str]:
        """By id."""
        return self.company.client_names

    def person(self, employee_id: str | None) -> str:
        return self.company.employee_names.get(employee_id or "", employee_id or "nobody")

    async def get(self, path: str, *roles: Role, sub: str | None = None, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.system.call("GET", path, *roles, sub=sub, params=params or None)).json()
        return found

    async def list_items(self, path: str, *roles: Role, sub: str | None = None, **params: Any) -> list[dict[str, Any]]:
        """The items of the first page; it is larger than anything in the story."""
        items: list[dict[str, Any]] = (await self.get(path, *roles, sub=sub, limit=1000, **params))["items"]
        return items
