"""What both departures of the demo are told with: calls in the names of people, waits for what must happen, the screen."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from services.cli.demo.company import HRIS_SOURCE, NorthwindCompany
from services.cli.demo.screen import Screen, StoryStopped, wait_until
from services.cli.system import System
from shared.auth import Role

HEAD_OF_SALES_ID = "2"
FREEZE_PATIENCE = 10  # seconds


@dataclass(frozen=True)
class Story:
    system: System
    company: NorthwindCompany
    screen: Screen

    async def get(self, path: str, *roles: Role, sub: str | None = None, **params: Any) -> Any:
        return (await self.system.call("GET", path, *roles, sub=sub, params=params or None)).json()

    async def list_items(self, path: str, *roles: Role, sub: str | None = None, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(path, *roles, sub=sub, limit=1000, **params))["items"]
        return found

    async def post(self, path: str, *roles: Role, sub: str, **body: Any) -> Any:
        return (await self.system.call("POST", path, *roles, sub=sub, json=body)).json()

    async def send_hris_webhook(self, kind: str, data: Mapping[str, Any]) -> float:
        """Sends a signed webhook as the HRIS does; returns the moment (`perf_counter`) at which it was accepted."""
        now = datetime.now(UTC)
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
        webhook_id = f"msg_{kind}_{data['employee_id']}"
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.company.secret).sign(webhook_id, now, body),
            "Content-Type": "application/json",
        }
        await self.system.call("POST", f"/staff/v1/hris/webhooks/{HRIS_SOURCE}", content=body.encode(), headers=headers)
        return time.perf_counter()

    async def check_access(self, employee_id: str, client_id: str) -> Any:
        """What the CRM asks before it shows a client to somebody."""
        question = {"employee_id": employee_id, "client_id": client_id, "action": "read"}
        return await self.post("/clients/v1/access/check", "service", sub="crm", **question)

    async def wait_until_refused(self, employee_id: str, client_id: str, accepted: float) -> tuple[float, int, str]:
        """Asks until access is refused: seconds since the webhook was accepted, how often it was asked, the reason."""
        asked = 1
        while (answer := await self.check_access(employee_id, client_id))["allowed"]:
            asked += 1
            await asyncio.sleep(0.001)  # it all runs on one loop: asking without a pause would hold up the freeze
            if time.perf_counter() - accepted > FREEZE_PATIENCE:
                raise StoryStopped(f"the freeze did not come within {FREEZE_PATIENCE} s")
        return time.perf_counter() - accepted, asked, answer["reason"]

    async def wait_for_case(self, employee_id: str) -> str:
        """The id of the case of this leaver."""

        async def list_cases() -> list[dict[str, Any]]:
            return await self.list_items("/offboarding/v1/cases", "hr", employee_id=employee_id)

        return str((await wait_until(list_cases, bool, "the case"))[0]["id"])

    async def wait_for_step(self, case_id: str, step: str, *statuses: str) -> None:
        async def has_status() -> bool:
            case = await self.get(f"/offboarding/v1/cases/{case_id}", "hr")
            if case["status"] == "needs_person":
                raise StoryStopped(f"the case needs a person at its step {case['step']}")
            return any(part["name"] == step and part["status"] in statuses for part in case["steps"])

        await wait_until(has_status, bool, f"the step {step}")

    async def get_plan(self, case_id: str) -> Any:
        return await self.get(f"/offboarding/v1/cases/{case_id}/plan", "sales_head", sub=HEAD_OF_SALES_ID)

    async def approve_plan(self, case_id: str, version: int) -> None:
        path = f"/offboarding/v1/cases/{case_id}/plan/approval"
        await self.post(path, "sales_head", sub=HEAD_OF_SALES_ID, version=version, edits=[])


def format_percent(share: Any) -> str:
    return f"{float(share) * 100:.2f} %"
