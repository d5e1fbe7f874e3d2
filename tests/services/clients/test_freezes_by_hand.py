"""Freezes by hand: one person freezes at once, two in two roles lift."""

from datetime import datetime, timedelta
from typing import Any

from shared.contracts.orders import StagesFrozen
from tests.services.clients.town import BASE, Town, town


async def freeze(here: Town, who: Any, employee: str = "anna") -> Any:
    body = {"employee_id": employee, "reason": "seen copying"}
    return await here.house.call(who, "POST", f"{BASE}/access/freezes", json=body)


async def lift(here: Town, who: Any, employee: str = "anna") -> Any:
    return await here.house.call(who, "DELETE", f"{BASE}/access/freezes/{employee}?reason=cleared")


async def test_one_person_freezes_at_once_and_two_in_two_roles_lift() -> None:
    async with town("anna") as here:
        await here.department("north", head="nora")
        await here.hire("nora")
        await here.change("anna", department_id="north")
        await here.client("c-1", "anna")
        frozen = await freeze(here, ("hr", "hana"))
        assert (frozen.status_code, frozen.json()["caretaker_id"]) == (201, "nora")
        assert await here.check("anna", "c-1") == "frozen"
        assert await here.check("nora", "c-1") == "caretaker"
        unsaid = await here.house.call(("hr", "hana"), "DELETE", f"{BASE}/access/freezes/anna")
        assert (unsaid.status_code, unsaid.json()["reason"]) == (422, "reason_missing")
        assert (await lift(here, ("hr", "hana"))).status_code == 202
        assert (await lift(here, ("hr", "hana"))).status_code == 202
        same_role = await lift(here, ("hr", "hugo"))
        assert (same_role.status_code, same_role.json()["reason"]) == (409, "needs_another_role")
        assert await here.check("anna", "c-1") == "frozen"
        lifted = await here.house.call(("director", "dirk"), "DELETE", f"{BASE}/access/freezes/anna")
        assert (lifted.status_code, lifted.json()["lifted"]) == (200, True)
        [told] = [event.data for event in await here.house.sent("clients", "access.unfrozen")]
        assert (told.caretaker_id, told.frozen_at) == ("nora", datetime.fromisoformat(frozen.json()["frozen_at"]))
        assert await here.check("anna", "c-1") == "owner"
        assert (await lift(here, ("director", "dirk"))).status_code == 404


async def test_a_freeze_begun_again_asks_for_two_people_again() -> None:
    async with town("anna") as here:
        await freeze(here, "hr")
        await lift(here, ("hr", "hana"))
        await lift(here, ("director", "dirk"))
        await freeze(here, "hr")
        assert (await lift(here, ("director", "dirk"))).status_code == 202


async def test_a_freeze_by_a_second_person_stands_beside_the_first_and_ends_what_was_asked() -> None:
    async with town("anna") as here:
        await freeze(here, ("hr", "hana"))
        await freeze(here, ("hr", "hana"))
        await lift(here, ("hr", "hana"))
        shown = await freeze(here, ("ops", "olga"))
        assert [ground["by_id"] for ground in shown.json()["grounds"]] == ["hana", "olga"]
        assert (await lift(here, ("director", "dirk"))).status_code == 202
        assert (await freeze(here, ("ops", "olga"))).json()["lifting"] is None
        assert (await lift(here, ("hr", "hana"))).status_code == 202
        assert (await lift(here, ("director", "dirk"))).status_code == 200


async def test_a_freeze_by_hand_ends_the_passes_of_before() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        now = here.house.clock()
        given = {"employee_id": "anna", "client_id": "c-1", "purpose": "work"}
        hours = {"from": now.isoformat(), "until": (now + timedelta(days=9)).isoformat()}
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**given, **hours})
        assert await here.check("anna", "c-1") == "pass"
        await freeze(here, ("hr", "hana"))
        assert await here.check("anna", "c-1") == "frozen"
        assert len(await here.house.sent("clients", "pass.withdrawn")) == 1
        kept = "SELECT count(*) FROM journal_entries WHERE kind = 'pass.withdrawn'"
        assert await here.house.scalar("clients", kept) == 1
        await here.house.ok("hr", "POST", f"{BASE}/access/passes", json={**given, **hours})
        await freeze(here, ("hr", "hana"))  # again adds nothing, and so ends nothing
        assert await here.check("anna", "c-1") == "pass"


async def test_the_word_of_somebody_who_is_frozen_or_has_left_lifts_nothing() -> None:
    async with town("anna", "ben", "carl", "dora") as here:
        await freeze(here, ("hr", "hana"))
        for first, gone in (("ben", freeze(here, ("ops", "olga"), "ben")), ("carl", here.leave("carl", "dora"))):
            assert (await lift(here, ("hr", first))).status_code == 202
            await gone
            assert (await lift(here, ("director", "dirk"))).status_code == 202
            assert (await here.house.ok("hr", "GET", f"{BASE}/access/freezes/anna"))["lifting"]["by_id"] == "dirk"
            await freeze(here, ("hr", "hana"))
        assert await here.house.scalar("clients", "SELECT frozen FROM people WHERE employee_id = 'anna'")


async def test_the_role_of_a_head_counts_only_where_they_head() -> None:
    async with town("anna") as here:
        await freeze(here, "hr")
        assert (await lift(here, (("hr", "sales_head"), "hana"))).status_code == 202
        same = await lift(here, ("hr", "hugo"))
        assert (same.status_code, same.json()["reason"]) == (409, "needs_another_role")
        assert (await lift(here, ("sales_head", "nora"))).status_code == 404


async def test_a_reason_may_stand_in_the_body_and_must_stand_somewhere() -> None:
    async with town("anna") as here:
        await freeze(here, "hr")
        path = f"{BASE}/access/freezes/anna"
        assert (await here.house.call("hr", "DELETE", path)).status_code == 422
        assert (await here.house.call("hr", "DELETE", path, json={"reason": "an error"})).status_code == 202
        shown = await here.house.ok("hr", "GET", path)
        assert shown["lifting"]["by_id"] == "hr"


async def test_the_freeze_of_a_departure_is_not_lifted_by_hand() -> None:
    async with town("anna", "ben") as here:
        await here.resign("anna", "ben")
        for who in ("hr", "director"):
            answer = await lift(here, who)
            assert (answer.status_code, answer.json()["reason"]) == (409, "freeze_of_case")


async def test_nobody_freezes_or_lifts_themselves_and_employees_freeze_nobody() -> None:
    async with town("anna", "hana") as here:
        assert (await freeze(here, ("hr", "anna"))).status_code == 403
        assert (await freeze(here, ("employee", "ben"))).status_code == 403
        assert (await freeze(here, ("sales_head", "ben"))).status_code == 403
        assert (await freeze(here, "hr", "nobody")).status_code == 422
        await freeze(here, "hr")
        assert (await lift(here, ("hr", "anna"))).status_code == 403


async def test_who_is_frozen_shows_grounds_caretaker_and_where_it_is_in_force() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        ref = await here.resign("anna", "ben")
        before = here.house.clock()
        here.house.clock.move(hours=1)
        await here.resign("ben", "carl")
        await here.deliver(StagesFrozen(employee_id="anna", stages=2), source="orders")
        shown = await here.house.ok("ops", "GET", f"{BASE}/access/freezes/anna")
        assert [(ground["kind"], ground["ref"]) for ground in shown["grounds"]] == [("departure", ref)]
        assert (shown["caretaker_id"], shown["clients"]) == ("carl", 1)
        assert set(shown["in_force"]) == {"clients", "orders"}
        everybody = await here.house.ok("auditor", "GET", f"{BASE}/access/freezes")
        assert [freeze["employee_id"] for freeze in everybody["items"]] == ["anna", "ben"]
        since = (before + timedelta(minutes=2)).isoformat()
        newer = await here.house.ok("service", "GET", f"{BASE}/access/freezes", params={"since": since})
        assert [freeze["employee_id"] for freeze in newer["items"]] == ["ben"]
        again = {"since": (before + timedelta(hours=1, seconds=50)).isoformat()}  # what committed late is not missed
        newer = await here.house.ok("service", "GET", f"{BASE}/access/freezes", params=again)
        assert [freeze["employee_id"] for freeze in newer["items"]] == ["ben"]
        own = await here.house.call(("employee", "anna"), "GET", f"{BASE}/access/freezes/anna")
        assert own.status_code == 200
        await freeze(here, "hr", "carl")
        for who in ("service", "auditor", ("employee", "carl")):
            shown = await here.house.ok(who, "GET", f"{BASE}/access/freezes/carl")
            assert [(ground["reason"], ground["by_id"]) for ground in shown["grounds"]] == [(None, None)]
        listed = await here.house.ok("service", "GET", f"{BASE}/access/freezes")
        assert {ground["reason"] for freeze in listed["items"] for ground in freeze["grounds"]} == {None}
        assert (await here.house.ok("hr", "GET", f"{BASE}/access/freezes/carl"))["grounds"][0]["reason"]
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/access/freezes/ben")).status_code == 404
        assert (await here.house.call("hr", "GET", f"{BASE}/access/freezes/dora")).status_code == 404
