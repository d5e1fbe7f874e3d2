"""Policies in versions; an acknowledgement binds to exactly one version and one employment."""

from typing import Any

import pytest

from tests.services.staff.company import Company, company

BASE = "/staff/v1/policies"
POLICY = {"id": "clients", "title": "Whose the clients are", "texts": {"en": "They are the company's.", "de": "…"}}


async def publish(here: Company, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await here.house.ok("hr", "POST", BASE, json={**POLICY, **fields})
    return made


async def next_version(here: Company, **fields: Any) -> dict[str, Any]:
    body = {"title": "Whose they are now", "texts": {"en": "Still the company's."}, **fields}
    made: dict[str, Any] = await here.house.ok("hr", "POST", f"{BASE}/clients/versions", json=body)
    return made


async def acknowledge(here: Company, who: Any, employee: str, version: int = 1, **said: Any) -> Any:
    path = f"{BASE}/clients/versions/{version}/acknowledgements/{employee}"
    return await here.house.call(who, "PUT", path, json=said)


async def outstanding(here: Company, **params: Any) -> dict[str, tuple[str, str]]:
    shown = await here.house.ok("hr", "GET", f"{BASE}/clients/outstanding", params=params)
    return {row["employee_id"]: (row["state"], row["due_on"]) for row in shown["items"]}


async def test_a_policy_exists_in_versions_that_never_change() -> None:
    async with company(1) as here:
        one = await publish(here, required_for_access=True)
        assert (one["version"], one["effective_on"], one["grace_days"]) == (1, here.day(), 14)
        assert await publish(here, required_for_access=True) == one
        other = await here.house.call("hr", "POST", BASE, json=POLICY)
        assert other.status_code == 409
        two = await next_version(here, effective_on=here.day(10))
        assert two["version"] == 2
        who = ("employee", "s-1")
        assert await here.house.ok(who, "GET", f"{BASE}/clients") == two
        assert await here.house.ok(who, "GET", f"{BASE}/clients/versions/1") == one
        listed = (await here.house.ok(who, "GET", BASE))["items"]
        assert listed == [{"id": "clients", "title": "Whose they are now", "newest": 2, "in_force": 1}]
        for path in ("none", "clients/versions/3", "none/versions/1"):
            assert (await here.house.call(who, "GET", f"{BASE}/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"texts": {}}, 422),
        ({"texts": {"English": "x"}}, 422),
        ({"grace_days": -1}, 422),
        ({"grace_days": True}, 422),
        ({"applies_to": ["nowhere"]}, 422),
        ({"effective_on": "soon"}, 422),
        ({"binding": True}, 422),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(fields: dict[str, Any], status: int) -> None:
    async with company(1) as here:
        assert (await here.house.call("hr", "POST", BASE, json={**POLICY, **fields})).status_code == status
        assert (await here.house.ok("hr", "GET", BASE))["items"] == []


async def test_a_version_cannot_come_before_the_one_that_it_replaces() -> None:
    async with company(1) as here:
        await publish(here, effective_on=here.day(5))
        body = {"title": "T", "texts": {"en": "x"}, "effective_on": here.day(4)}
        assert (await here.house.call("hr", "POST", f"{BASE}/clients/versions", json=body)).status_code == 409
        assert (await here.house.call("hr", "POST", f"{BASE}/none/versions", json=body)).status_code == 404


async def test_one_acknowledges_for_oneself_and_hr_with_the_signed_paper_for_others() -> None:
    async with company(2) as here:
        await publish(here)
        own = await acknowledge(here, ("employee", "s-1"), "s-1")
        assert (own.status_code, own.json()["state"], own.json()["by_id"]) == (200, "acknowledged", "s-1")
        assert (await acknowledge(here, ("employee", "s-1"), "s-2")).status_code == 403
        assert (await acknowledge(here, ("hr", "helga"), "s-2")).status_code == 422
        paper = await acknowledge(here, ("hr", "helga"), "s-2", evidence="folder 7")
        assert (paper.status_code, paper.json()["by_id"], paper.json()["evidence"]) == (200, "helga", "folder 7")
        again = await acknowledge(here, ("employee", "s-1"), "s-1")
        assert again.json() == own.json()
        events = await here.house.sent("staff", "policy.acknowledged")
        assert [(event.data.employee_id, event.data.version) for event in events] == [("s-1", 1), ("s-2", 1)]


async def test_whatever_ones_role_one_acknowledges_for_oneself() -> None:
    async with company(1) as here:
        await publish(here)
        for role in ("employee", "sales_head", "director", "ops", "auditor"):
            assert (await acknowledge(here, (role, "s-1"), "s-1")).status_code == 200
            assert (await acknowledge(here, (role, "other"), "s-1")).status_code == 403


async def test_who_declines_says_why_and_may_acknowledge_later_but_never_the_other_way_round() -> None:
    async with company(1) as here:
        await publish(here)
        who = ("employee", "s-1")
        assert (await acknowledge(here, who, "s-1", declined=True)).status_code == 422
        declined = await acknowledge(here, who, "s-1", declined=True, reason="clause 3")
        assert (declined.json()["state"], declined.json()["reason"]) == ("declined", "clause 3")
        assert (await outstanding(here))["s-1"][0] == "declined"
        assert (await acknowledge(here, who, "s-1")).json()["state"] == "acknowledged"
        assert "s-1" not in await outstanding(here)
        assert (await acknowledge(here, who, "s-1", declined=True, reason="x")).status_code == 409


async def test_nobody_acknowledges_what_does_not_exist_and_nobody_who_has_left_does() -> None:
    async with company(1) as here:
        await publish(here)
        who = ("employee", "s-1")
        assert (await acknowledge(here, who, "s-1", version=2)).status_code == 404
        assert (await acknowledge(here, ("hr", "helga"), "nobody", evidence="e")).status_code == 404
        await here.house.ok("hr", "POST", "/staff/v1/employees/s-1/departure", json={"on": here.day(-1)})
        assert (await acknowledge(here, ("hr", "helga"), "s-1", evidence="e")).status_code == 409


async def test_outstanding_are_those_to_whom_it_applies_with_the_day_from_which_it_binds() -> None:
    async with company(2) as here:
        await publish(here, applies_to=["sales"], grace_days=7)
        late = {"id": "new", "name": "N", "email": "n@example.com", "department_id": "sales", "hired_on": here.day()}
        await here.house.ok("hr", "POST", "/staff/v1/employees", json=late)
        found = await outstanding(here)
        assert found["s-1"] == found["s-2"] == ("missing", here.day(7))
        assert found["new"] == ("missing", here.day())
        assert "boss" not in found
        await acknowledge(here, ("employee", "s-1"), "s-1")
        assert "s-1" not in await outstanding(here)
        await next_version(here, applies_to=["sales"], required_for_access=True)
        assert (await outstanding(here))["s-1"] == ("missing", here.day(14))
        assert (await outstanding(here))["s-2"] == ("missing", here.day(14))
        assert "s-1" not in await outstanding(here, version=1)


async def test_a_newer_version_that_was_acknowledged_counts_for_those_before_it() -> None:
    async with company(1) as here:
        await publish(here)
        await next_version(here)
        await acknowledge(here, ("employee", "s-1"), "s-1", version=2)
        assert "s-1" not in await outstanding(here, version=1)


async def test_what_an_older_version_asked_and_was_never_done_is_due_since_then() -> None:
    async with company(2) as here:
        await publish(here, required_for_access=True, grace_days=0)
        await acknowledge(here, ("employee", "s-1"), "s-1")
        await next_version(here, required_for_access=True)
        found = await outstanding(here)
        assert (found["s-1"], found["s-2"]) == (("missing", here.day(14)), ("missing", here.day()))
