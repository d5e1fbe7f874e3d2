"""Clients that are closed: they move like others, but nobody has to be introduced to them."""

import pytest

from tests.services.offboarding.company import HEAD, approve, company, do_tasks, introduce, leave, listed, resign


@pytest.mark.parametrize("closed", [1, 4])
async def test_a_closed_client_is_transferred_without_an_introduction_and_the_case_is_cleared(closed: int) -> None:
    async with company() as house:
        for number in range(1, closed + 1):
            await house.ok("service", "PATCH", f"/clients/v1/clients/c-{number}", json={"status": "closed"})
        await house.settle()
        case = await approve(house, await resign(house))
        introductions = await listed(house, f"cases/{case['id']}/introductions")
        assert {one["client_id"] for one in introductions} == {f"c-{number}" for number in range(closed + 1, 5)}
        await do_tasks(house, case)
        await introduce(house, case)
        for visit in await listed(house, f"visits?case_id={case['id']}"):
            await house.ok(HEAD, "POST", f"/offboarding/v1/visits/{visit['id']}/outcome", json={"outcome": "kept"})
        assert (await leave(house))["status"] == "cleared"
        owners = await house.rows("clients", "SELECT DISTINCT owner_id FROM clients")
        assert "nora" not in {row["owner_id"] for row in owners}


async def test_after_the_last_day_a_closed_client_needs_no_visit_in_place_of_an_introduction() -> None:
    async with company(visits_per_day=1, visit_days=1) as house:
        await house.ok("service", "PATCH", "/clients/v1/clients/c-1", json={"status": "closed"})
        await house.settle()
        case = await resign(house)
        await leave(house)
        await approve(house, case)
        visits = await listed(house, f"visits?case_id={case['id']}&limit=100")
        instead = {visit["client_id"] for visit in visits if "not_introduced" in visit["why"]}
        assert instead == {"c-2", "c-3"}  # c-4 is at the top of the list and has one already
