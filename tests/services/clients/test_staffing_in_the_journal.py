"""A place in a team gives access: the journal finds by the person who got one and who lost one, whatever the way."""

from typing import Any

import pytest

from shared.contracts.clients import PlaceTeam, TeamMove
from tests.services.clients.test_imports_of_knowing import imported
from tests.services.clients.town import BASE, Town, town


async def about(here: Town, employee: str) -> list[str]:
    await here.house.settle()
    found = await here.house.ok("auditor", "GET", f"{BASE}/journal", params={"employee_id": employee})
    return [entry["kind"] for entry in found["items"]]


async def register(here: Town) -> None:
    await here.client("c-2", "anna", team={"delivery": "ben"})


async def put(here: Town) -> None:
    body = {"name": "C", "team": {"delivery": "ben"}}
    await here.house.ok("service", "PUT", f"{BASE}/clients/c-1", json=body)


async def put_many(here: Town) -> None:
    body = {"items": [{"id": "c-1", "name": "C", "team": {"delivery": "ben"}}]}
    await here.house.ok("service", "POST", f"{BASE}/clients/batch", json=body)


async def read_in(here: Town) -> None:
    await imported(here, "team", {"client_id": "c-1", "function": "delivery", "employee_id": "ben"})


async def take_over(here: Town) -> None:
    move = TeamMove(client_id="c-1", function="delivery", from_id="carl", to_id="ben")
    about_case = {"command_id": "k/1", "case_id": "k", "epoch": 1, "employee_id": "carl"}
    await here.deliver(PlaceTeam(**about_case, items=[move]), source="offboarding")


@pytest.mark.parametrize("way", [register, put, put_many, read_in, take_over])
async def test_who_gets_a_place_and_who_loses_it_are_found(way: Any) -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna", team={"delivery": "carl"})
        before = {who: await about(here, who) for who in ("ben", "carl")}
        await way(here)
        assert len(await about(here, "ben")) == len(before["ben"]) + 1
        assert len(await about(here, "carl")) == len(before["carl"]) + (way is not register)


async def test_what_stays_as_it_was_concerns_nobody() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", team={"delivery": "ben"})
        before = await about(here, "ben")
        await put(here)
        assert await about(here, "ben") == before
