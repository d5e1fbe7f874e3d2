"""The ranking of a leaver's clients rests on what was really used, where that may be looked at."""

from datetime import timedelta

import pytest

from tests.services.offboarding.company import company, listed, resign


@pytest.mark.parametrize(("off", "expected"), [("", [("c-1", True), ("c-2", False)]), ("sales", [("c-2", False)])])
async def test_a_client_that_the_crm_saw_exported_rises_and_the_reason_is_named(
    off: str, expected: list[tuple[str, bool]]
) -> None:
    async with company(clients=2, exposure_off=off) as house:
        at = (house.clock() - timedelta(days=3)).isoformat()
        item = {"employee_id": "nora", "client_id": "c-1", "action": "export", "at": at, "system": "crm"}
        items = [{**item, "id": f"u-{number}"} for number in range(30)]
        await house.ok("service", "POST", "/clients/v1/usage", json={"items": items})
        await resign(house)
        visits = sorted(await listed(house, "visits"), key=lambda visit: visit["rank"])
        found = [(visit["client_id"], "exported" in visit["why"]) for visit in visits]
        assert found[: len(expected)] == expected
        await house.settle()
        journal = (await house.ok("auditor", "GET", "/clients/v1/journal", params={"employee_id": "nora"}))["items"]
        looks = [entry for entry in journal if entry["kind"] == "exposure.read"]
        assert len(looks) == (0 if off else 1)
