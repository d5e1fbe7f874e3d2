"""Who has not acknowledged a policy that is required for access sees no client: from the day on which it binds."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from shared.advisory_locks import AdvisoryLock
from shared.contracts.staff import PolicyAcknowledged, PolicyPublished
from tests.services.clients.town import BASE, Town, town

OLD = {"hired_on": "2020-01-01"}


async def publish(here: Town, version: int = 1, *, effective: int = 0, required: bool = True, **fields: Any) -> None:
    day = here.today
    await here.deliver(
        PolicyPublished(
            policy_id="ownership",
            version=version,
            published_on=day,
            effective_on=day + timedelta(days=effective),
            required_for_access=required,
            **{"grace_days": 14, **fields},
        )
    )


async def acknowledge(
    here: Town, name: str, version: int = 1, state: Any = "acknowledged", employment: int = 1
) -> None:
    event = PolicyAcknowledged(
        employee_id=name, employment_id=f"{name}/{employment}", policy_id="ownership", version=version, state=state
    )
    await here.deliver(event)


async def days_later(here: Town, days: int) -> None:
    here.house.clock.move(days=days)
    await here.house.settle()


async def test_a_new_hire_sees_nothing_before_acknowledging() -> None:
    async with town() as here:
        await publish(here)
        await here.hire("anna", hired_on=here.today)
        await here.client("c-1", "anna")
        who = ("employee", "anna")
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"
        seen = ("clients/c-1", "clients", "export", "clients/c-1/history")
        known = ("clients/c-1/knowledge", "clients/c-1/interactions", "risk/clients", "risk/employees/anna")
        for path in (*seen, *known):
            answer = await here.house.call(who, "GET", f"{BASE}/{path}")
            assert (answer.status_code, answer.json()["reason"]) == (403, "policy_not_acknowledged"), path
        new = {"id": "c-2", "name": "New", "owner_id": "anna"}
        moved = {"items": [{"client_id": "c-1", "from_id": "anna", "to_id": "anna"}], "reason": "r"}
        sent = (("POST", "clients", new), ("PUT", "clients/c-2", new), ("POST", "transfers", moved))
        for method, path, body in sent:
            body = {name: value for name, value in body.items() if method == "POST" or name != "id"}
            answer = await here.house.call((("sales_head", "employee"), "anna"), method, f"{BASE}/{path}", json=body)
            assert (answer.status_code, answer.json()["reason"]) == (403, "policy_not_acknowledged"), path
        await here.hire("ben", **OLD)
        await here.resign("ben")
        answer = await here.house.call(("director", "anna"), "GET", f"{BASE}/exposure/ben")
        assert (answer.status_code, answer.json()["reason"]) == (403, "policy_not_acknowledged")
        kept = await here.house.ok("service", "GET", f"{BASE}/personal-data/anna", params={"clients": True})
        assert (kept["clients"]["owner_of"], kept["clients"]["client_ids"]) == (1, None)
        asked = f"{BASE}/access/clients?employee_id=anna&action=read"
        assert (await here.house.ok("service", "GET", asked))["items"] == []
        assert (await here.house.ok("service", "GET", f"{BASE}/access/employees?client_id=c-1"))["items"] == []
        await acknowledge(here, "anna")
        assert await here.check("anna", "c-1") == "owner"
        assert (await here.house.call(who, "GET", f"{BASE}/clients/c-1")).status_code == 200


async def test_those_hired_before_have_days_of_grace() -> None:
    async with town() as here:
        await here.hire("anna", **OLD)
        await here.client("c-1", "anna")
        await publish(here, grace_days=14)
        await days_later(here, 13)
        assert await here.check("anna", "c-1") == "owner"
        await days_later(here, 1)
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"


async def test_declining_is_not_acknowledging() -> None:
    async with town() as here:
        await here.hire("anna", **OLD)
        await here.client("c-1", "anna")
        await publish(here, grace_days=0)
        await acknowledge(here, "anna", state="declined")
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"


async def test_a_new_version_asks_anew_and_one_that_is_not_required_takes_the_place_of_one_that_was() -> None:
    async with town() as here:
        await here.hire("anna", **OLD)
        await here.client("c-1", "anna")
        await publish(here, grace_days=0)
        await acknowledge(here, "anna")
        await publish(here, 2, effective=3, grace_days=2)
        await days_later(here, 4)
        assert await here.check("anna", "c-1") == "owner"
        await days_later(here, 1)
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"
        await publish(here, 3, required=False)
        await here.house.settle()
        assert await here.check("anna", "c-1") == "owner"


async def test_a_new_version_readmits_nobody_who_has_acknowledged_none() -> None:
    async with town("carl") as here:
        await here.hire("anna", **OLD)
        await publish(here)
        await here.hire("ben", hired_on=here.today)
        for number, owner in enumerate(("anna", "ben", "carl")):
            await here.client(f"c-{number}", owner)

        async def reasons() -> list[str]:
            return [await here.check(who, f"c-{number}") for number, who in enumerate(("anna", "ben", "carl"))]

        shut = "policy_not_acknowledged"
        await acknowledge(here, "carl")
        await days_later(here, 10)
        await publish(here, 2)
        assert await reasons() == ["owner", shut, "owner"]
        await days_later(here, 4)
        assert await reasons() == [shut, shut, "owner"]
        await acknowledge(here, "ben", 2)
        await days_later(here, 10)
        assert await reasons() == [shut, "owner", shut]
        await publish(here, 3, applies_to=["elsewhere"])
        assert await reasons() == ["owner"] * 3


async def test_it_binds_only_the_departments_that_it_is_for_and_those_below() -> None:
    async with town() as here:
        await here.department("company")
        await here.department("sales", parent="company")
        await here.department("works")
        await here.hire("anna", department_id="sales", **OLD)
        await here.hire("ben", department_id="works", **OLD)
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await publish(here, grace_days=0, applies_to=["company"])
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"
        assert await here.check("ben", "c-2") == "owner"
        await here.change("ben", department_id="sales")
        assert await here.check("ben", "c-2") == "policy_not_acknowledged"
        await here.department("sales")
        assert await here.check("ben", "c-2") == "owner"


async def test_whoever_comes_back_acknowledges_anew() -> None:
    async with town("ben") as here:
        await here.hire("anna", **OLD)
        await publish(here, grace_days=0)
        await acknowledge(here, "anna")
        await here.leave("anna", "ben")
        await here.rehire("anna")
        await here.house.settle()
        await here.client("c-1", "ben", team={"delivery": "anna"})
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"
        await acknowledge(here, "anna", employment=2)
        assert await here.check("anna", "c-1") == "team"


async def test_a_freeze_is_said_before_a_policy_and_a_pass_needs_none() -> None:
    async with town("ben") as here:
        await here.hire("anna", **OLD)
        await here.client("c-1", "anna")
        await publish(here, grace_days=0)
        await here.resign("anna", "ben")
        assert await here.check("anna", "c-1") == "frozen"
        now = here.house.clock()
        given = {"employee_id": "anna", "client_id": "c-1", "purpose": "introduction"}
        hours = {"from": now.isoformat(), "until": (now + timedelta(hours=2)).isoformat()}
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**given, **hours})
        assert await here.check("anna", "c-1") == "pass"
        assert await here.check("anna", "c-1", "edit") == "frozen"


async def test_who_is_hired_while_a_policy_is_published_needs_to_acknowledge_it_whichever_commits_first() -> None:
    async with town("ben") as here:
        runtime = here.house.runtime("clients")
        await here.client("c-1", "ben")
        async with runtime.database.connect() as publishing:
            transaction = publishing.transaction()
            await transaction.start()
            await publishing.execute(
                f"SELECT pg_advisory_xact_lock({AdvisoryLock.POLICY_DEADLINES:d})"
            )  # as who binds everybody
            await publishing.execute(
                """
                INSERT INTO policy_versions (policy_id, version, published_on, effective_on, grace_days, required, applies_to)
                VALUES ('ownership', 1, $1, $1, 14, true, '[]')
                """,
                here.today,
            )
            hiring = asyncio.create_task(here.hire("anna", hired_on=here.today.isoformat()))
            while not await here.house.scalar("clients", "SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not hiring.done()
            await transaction.commit()
        await hiring
        assert await here.check("anna", "c-1") == "policy_not_acknowledged"


async def test_where_policies_are_not_required_nobody_is_shut_out() -> None:
    async with town(policy_required=False) as here:
        await here.hire("anna", **OLD)
        await here.client("c-1", "anna")
        await publish(here, grace_days=0)
        assert await here.check("anna", "c-1") == "owner"


async def test_who_has_not_acknowledged_imports_nothing() -> None:
    async with town("ben") as here:
        await publish(here)
        await here.hire("anna", hired_on=here.today)
        await here.client("c-1", "ben")
        rows: dict[str, dict[str, Any]] = {
            "clients": {"line": 1, "data": {"id": "c-2", "name": "C", "owner_id": "ben"}},
            "team": {"client_id": "c-1", "function": "delivery", "employee_id": "anna"},
            "contacts": {"client_id": "c-1", "name": "Wilma"},
        }
        for kind, row in rows.items():
            for dry_run in (False, True):
                params = {"kind": kind, "dry_run": dry_run}
                answer = await here.house.call(
                    ("director", "anna"), "POST", f"{BASE}/imports", params=params, content=json.dumps(row)
                )
                assert (answer.status_code, answer.json()["reason"]) == (403, "policy_not_acknowledged"), kind
