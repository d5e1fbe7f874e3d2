"""Grounds of all kinds: each binds by itself, none undoes another, and only the last one to go unfreezes."""

import itertools
from typing import Any

import pytest

from shared.contracts.clients import AccessFrozen, AccessUnfrozen, Ground, UnfreezeAccess
from shared.contracts.staff import DepartureHeld, DepartureRejected, EmployeeHired, EmployeeResigned
from tests.services.clients.town import BASE, Town, town
from tests.support.house import House

KINDS = ("departure", "hold", "emergency", "incident")
HANDS = (("hr", "hana"), ("director", "dirk"))


async def freeze(here: Town, kind: str, ref: str | None = None) -> Any:
    body = {"employee_id": "anna", "reason": "seen copying", "kind": kind, "ref": ref}
    return await here.house.call(HANDS[0], "POST", f"{BASE}/access/freezes", json=body)


async def lift(here: Town) -> Any:
    await here.house.call(HANDS[0], "DELETE", f"{BASE}/access/freezes/anna?reason=cleared")
    return await here.house.call(HANDS[1], "DELETE", f"{BASE}/access/freezes/anna?reason=cleared")


async def begin(here: Town, kind: str) -> str:
    """What its end needs to know."""
    match kind:
        case "departure":
            return await here.resign("anna", "ben")
        case "hold":
            await here.deliver(DepartureHeld(status="active", hold_id="h-1", freeze=True, **here.people["anna"]))
            return "h-1"
        case _:
            assert (await freeze(here, kind)).status_code == 201
            return kind


async def end(here: Town, kind: str, ref: str) -> None:
    match kind:
        case "departure":
            command = {"command_id": "k/undo", "case_id": "k", "epoch": 1, "employee_id": "anna", "ref": ref}
            await here.deliver(UnfreezeAccess(employment_id="anna/1", **command), source="offboarding")
        case "hold":
            await here.deliver(DepartureRejected(status="active", hold_id=ref, **here.people["anna"]))
        case _:
            assert (await lift(here)).json()["lifted"]


async def in_force(here: Town) -> list[str]:
    answer = await here.house.call("hr", "GET", f"{BASE}/access/freezes/anna")
    return sorted(ground["kind"] for ground in answer.json()["grounds"]) if answer.status_code == 200 else []


PAIRS = [(first, second) for first, second in itertools.permutations(KINDS, 2)]
# Emergency and incident are lifted together: both are people's.
APART = [pair for pair in PAIRS if set(pair) != {"emergency", "incident"}]


@pytest.mark.parametrize(("first", "second"), APART)
async def test_the_end_of_one_leaves_the_other_in_force_whichever_began_or_ends_first(first: str, second: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        refs = {kind: await begin(here, kind) for kind in (first, second)}
        assert await in_force(here) == sorted((first, second))
        await end(here, first, refs[first])
        assert await in_force(here) == [second]
        assert await here.check("anna", "c-1") == "frozen"
        await end(here, second, refs[second])
        assert await in_force(here) == []
        assert await here.check("anna", "c-1") == "owner"


@pytest.mark.parametrize("hand", ["emergency", "incident"])
@pytest.mark.parametrize("other", ["departure", "hold"])
async def test_people_lift_what_people_began_and_are_told_what_stays(hand: str, other: str) -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await begin(here, other)
        await begin(here, hand)
        lifted = await lift(here)
        assert (lifted.status_code, lifted.json()["lifted"], lifted.json()["in_force"]) == (200, True, [other])
        again = await lift(here)
        assert (again.status_code, again.json()["reason"]) == (409, "freeze_of_case")
        events = [event.data for event in await here.house.sent("clients") if event.data.type.startswith("access.")]
        assert (events[-1].type, [ground.kind for ground in events[-1].grounds]) == ("access.frozen", [other])


async def test_several_incidents_are_grounds_of_their_own_and_the_same_one_again_adds_nothing() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        for ref in ("i-1", "i-2", "i-1"):
            assert (await freeze(here, "incident", ref)).status_code == 201
        assert await in_force(here) == ["incident", "incident"]
        assert (await lift(here)).json()["in_force"] == []
        assert await here.check("anna", "c-1") == "owner"
        ended = await freeze(here, "incident", "i-1")
        assert (ended.status_code, ended.json()["reason"]) == (409, "ground_ended")
        assert await here.check("anna", "c-1") == "owner"


def state(*kinds: str) -> dict[str, Any]:
    grounds = [Ground(kind=kind, ref="1" if kind == "departure" else kind) for kind in kinds]  # type: ignore[arg-type]
    return {"employee_id": "anna", "employment_id": "anna/1", "grounds": grounds}


@pytest.mark.parametrize("service", ["orders", "offboarding"])
async def test_the_other_services_follow_the_grounds_that_people_begin_and_lift(service: str) -> None:
    person = {"employee_id": "anna", "employment_id": "anna/1", "functions": {"sales": 1}}
    async with House.start(service) as house:

        async def grounds() -> list[str]:
            sql = "SELECT kind FROM grounds WHERE ended_at IS NULL ORDER BY kind"
            return [row["kind"] for row in await house.rows(service, sql)]

        async def frozen() -> bool:
            return bool(await house.scalar(service, "SELECT frozen FROM people WHERE employee_id = 'anna'"))

        day = house.clock.day()
        await house.deliver(service, EmployeeHired(status="active", **person), sequence=1)
        resigned = EmployeeResigned(status="resigned", notice_on=day, last_day=day, caretakers=[], **person)
        await house.deliver(service, resigned, sequence=2)
        await house.deliver(service, AccessFrozen(**state("departure", "emergency", "incident")), "clients", 1)
        assert await grounds() == ["departure", "emergency", "incident"]
        await house.deliver(service, AccessFrozen(**state("departure", "incident")), "clients", 2)
        assert await grounds() == ["departure", "incident"]
        await house.deliver(service, AccessFrozen(**state("departure")), "clients", 3)
        assert await grounds() == ["departure"]
        assert await frozen()
        await house.deliver(service, AccessUnfrozen(**state()), "clients", 4)
        assert await grounds() == ["departure"]  # which only the case ends
        assert await frozen()
