"""Erasing who somebody was: what `staff` does by itself, and what it refuses."""

from typing import Any

from shared.contracts.clients import ErasureDone, JournalHeld, JournalReleased
from shared.contracts.offboarding import OffboardingCancelled, OffboardingCleared, OffboardingStarted
from tests.services.staff.company import Company, company, employee
from tests.services.staff.test_imports import load, outcomes

E = "/staff/v1/employees"
REASON = {"reason": "request 17"}


async def case(
    staff: Company, id: str = "s-1", ending: type[Any] | None = OffboardingCleared, name: str = "k-1"
) -> None:
    """What `offboarding` says of the departure; without `ending` its case is open."""
    about = {"case_id": name, "employee_id": id}
    hired = (await staff.get(id))["employment_id"]
    day = staff.house.clock.day()
    await staff.house.deliver("staff", OffboardingStarted(**about, employment_id=hired, last_day=day), "offboarding")
    if ending is OffboardingCleared:
        await staff.house.deliver(
            "staff", OffboardingCleared(**about, clients=0, kept=0, visits=0, waived=0), "offboarding"
        )
    elif ending is not None:
        await staff.house.deliver("staff", ending(**about), "offboarding")


async def leave(staff: Company, id: str = "s-1") -> None:
    await staff.house.ok("hr", "POST", f"{E}/{id}/departure", json={"on": staff.day(), "reason": "Her Secrecy is ill"})


async def refused(staff: Company, body: Any = REASON, who: Any = "hr") -> tuple[int, str]:
    answer = await staff.house.call(who, "POST", f"{E}/s-1/erase", json=body)
    return answer.status_code, answer.json()["type"].removeprefix("urn:holdfast:")


async def test_name_address_and_free_text_go_and_the_act_says_what_when_and_by_whom() -> None:
    async with company() as staff:
        await staff.house.ok("hr", "PATCH", f"{E}/s-1", json={"position": "Her Secrecy"})
        await staff.house.ok("hr", "PUT", f"{E}/s-1/absences/a", json={"from": staff.day()})
        await staff.webhook("employee.updated", {"employee_id": "s-1", "email": "no address of Her Secrecy"})
        await leave(staff)
        await case(staff)
        done = await staff.house.ok(("hr", "helga"), "POST", f"{E}/s-1/erase", json=REASON)
        assert done["what"] == {
            "staff": {"profile": 1, "absences": 1, "reasons": 1, "hris_messages": 1, "kept_answers": 2}
        }
        assert (done["by_id"], done["reason"], done["waiting_for"]) == (
            "helga",
            "request 17",
            ["clients", "orders", "offboarding"],
        )
        gone = await staff.get("s-1")
        assert (gone["name"], gone["email"], gone["position"], gone["absences"]) == ("(erased)", None, None, [])
        assert (gone["id"], gone["status"]) == ("s-1", "left")
        for table in staff.house.runtime("staff").service.metadata.tables:
            for row in await staff.house.rows("staff", f"SELECT CAST(t AS text) AS said FROM {table} t"):
                assert "Secrecy" not in row["said"], table
                assert "Name of s-1" not in row["said"], table
                assert "s-1@example.com" not in row["said"], table


async def test_erasing_again_gives_the_same_act_and_says_nothing_anew() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        done = await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)
        assert await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json={"reason": "another"}) == done
        assert await staff.house.ok("auditor", "GET", f"{E}/s-1/erasure") == done
        [erased] = await staff.house.sent("staff", "employee.erased")
        assert erased.data.employment_ids == [(await staff.get("s-1"))["employment_id"]]
        [leaf] = [
            entry for entry in await staff.house.sent("staff", "journal.entry") if entry.data.kind == "employee.erased"
        ]
        assert leaf.sequence < erased.sequence  # under the name that the journal has for them still
        assert (await staff.house.call("hr", "GET", f"{E}/s-2/erasure")).status_code == 404


async def test_whoever_works_here_is_not_erased() -> None:
    async with company() as staff:
        assert await refused(staff) == (409, "still_works_here")
        await staff.house.ok("hr", "POST", f"{E}/s-1/resignation", json={"last_day": staff.day(9)})
        assert await refused(staff) == (409, "still_works_here")
        assert (await staff.get("s-1"))["name"] == "Name of s-1"


async def test_nobody_is_erased_before_the_case_of_their_departure_is_closed() -> None:
    """Also in the instant in which it has not been heard of."""
    async with company() as staff:
        await leave(staff)
        assert await refused(staff) == (409, "case_is_open")
        await case(staff, ending=None)
        assert await refused(staff) == (409, "case_is_open")
        await case(staff, ending=OffboardingCleared)
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)


async def test_the_case_of_an_earlier_departure_does_not_stand_for_the_one_now() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff, ending=None)
        await staff.house.ok("hr", "POST", f"{E}/s-1/departure/reversal", json={"reason": "a mistake"})
        await case(staff, ending=OffboardingCancelled)
        await leave(staff)
        assert await refused(staff) == (409, "case_is_open")
        await case(staff, name="k-2")
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)


async def test_a_legal_hold_stands_in_the_way_until_it_ends() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        await staff.house.deliver("staff", JournalHeld(employee_id="s-1"), "clients")
        assert await refused(staff) == (409, "held_by_law")
        await staff.house.deliver("staff", JournalReleased(employee_id="s-1"), "clients")
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)


async def test_nobody_erases_themselves_and_nobody_but_hr_erases_anybody() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        assert await refused(staff, who=("hr", "s-1")) == (403, "roles_frozen")
        for role in ("director", "ops", "service", "auditor", "sales_head", "employee"):
            assert await refused(staff, who=role) == (403, "forbidden")
        assert (await staff.house.call(("hr", "helga"), "POST", f"{E}/helga/erase", json=REASON)).status_code == 403


async def test_a_reason_that_names_the_person_is_refused() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        for reason in ("the name asked for it", "of S-1@example.com"):
            assert await refused(staff, {"reason": reason}) == (422, "reason_names_them")


async def test_nothing_is_known_again_of_an_erased_person_by_whatever_door() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)
        back = {"name": "Name of s-1", "email": "s-1@example.com"}
        for method, path, body in (
            ("PATCH", f"{E}/s-1", back),
            ("POST", E, employee("s-1")),
            ("PUT", f"{E}/s-1/absences/b", {"from": staff.day()}),
            ("POST", f"{E}/s-1/rehire", {"hired_on": staff.day(1)}),
            ("POST", f"{E}/s-1/departure/reversal", {"reason": "a mistake"}),
        ):
            answer = await staff.house.call("hr", method, path, json=body)
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:holdfast:erased"), (method, path)
        for type, data in (
            ("employee.updated", {"employee_id": "s-1", **back}),
            ("employee.hired", {key: value for key, value in employee("s-1").items() if key != "id"} | {"id": "s-1"}),
            ("employee.rehired", {"employee_id": "s-1", "hired_on": staff.day(1)}),
            ("employee.updated", {"employee_id": "s-1", "email": "no address of Name of s-1"}),
        ):
            await staff.webhook(type, data)
        assert outcomes(await load(staff, "employees", [employee("s-1")])) == ["erased"]
        for row in await staff.house.rows("staff", "SELECT CAST(e AS text) AS said FROM employees e WHERE id = 's-1'"):
            assert "Name of s-1" not in row["said"]
        kept = await staff.house.rows("staff", "SELECT outcome, body FROM hris_messages")
        assert [(row["outcome"], row["body"]) for row in kept] == [("refused", None)] * 4


async def test_each_service_adds_what_it_erased_and_holds_back_for_a_legal_hold_in_the_open() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)
        about = {"employee_id": "s-1"}
        await staff.house.deliver("staff", ErasureDone(**about, what={"summaries": 2}, held=True), "clients")
        await staff.house.deliver("staff", ErasureDone(**about, what={}), "orders")
        done = await staff.house.ok("hr", "GET", f"{E}/s-1/erasure")
        assert (done["what"]["clients"], done["held"], done["waiting_for"]) == (
            {"summaries": 2},
            ["clients"],
            ["offboarding"],
        )
        await staff.house.deliver("staff", ErasureDone(**about, what={}), "clients", 2)
        done = await staff.house.ok("hr", "GET", f"{E}/s-1/erasure")
        assert (done["what"]["clients"], done["held"]) == ({"summaries": 2}, [])


async def test_republishing_erases_anew_whatever_came_back_from_a_restore() -> None:
    async with company() as staff:
        await leave(staff)
        await case(staff)
        await staff.house.ok("hr", "POST", f"{E}/s-1/erase", json=REASON)
        service = staff.house.runtime("staff")
        before = await staff.events("s-1")
        await service.service.republish(service)
        assert (await staff.events("s-1"))[len(before) - 1 :][:2] == ["employee.changed", "employee.erased"]
