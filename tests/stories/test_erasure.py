"""Erasure after a whole departure: nothing in any table of any service says any more who it was, and the journal stands."""

from typing import Any

from services.clients.erasure.handlers import delete_surrogates_made_after_erasure
from shared.settings import SERVICES
from tests.stories.actions import (
    BRIEF,
    DIRECTOR,
    HR,
    PROOF,
    approve_plan,
    as_employee,
    carry_out_introductions,
    complete_tasks,
    get_case,
    list_introductions,
    record_visit_outcomes,
    resign,
    send_hris_message,
)
from tests.stories.three_ways import WatchedHouse, run_three_ways

C, S = "/clients/v1", "/staff/v1/employees"
SECRET = "Wilhelmina"
PLANTED = (SECRET, *PROOF.values(), *BRIEF.values(), "Price list", "the buyer", "in the meeting")
ERASE = {"reason": "request 17"}


async def live(house: WatchedHouse) -> None:
    """Anna's life here, told in free text wherever a door takes it."""
    name = {"name": f"Anna {SECRET}", "email": f"{SECRET}@example.com", "position": f"{SECRET}, seller"}
    await house.ok(HR, "PATCH", f"{S}/anna", json=name)
    frozen = {"employee_id": "anna", "reason": f"{SECRET} lost her laptop"}
    met = {"employee_id": "anna", "kind": "call", "at": house.clock().isoformat(), "summary": f"{SECRET} called"}
    await house.ok(as_employee("anna"), "POST", f"{C}/clients/c-1/interactions", json=met)
    await house.ok(
        as_employee("anna"), "POST", f"{C}/clients/c-1/feedback", json={"score": 9, "note": f"{SECRET} is liked"}
    )
    used = {
        "employee_id": "anna",
        "client_id": "c-1",
        "action": "read",
        "at": house.clock().isoformat(),
        "system": "crm",
    }
    await house.ok("service", "POST", f"{C}/usage", json={"items": [used]})
    moved = {"items": [{"client_id": "c-5", "from_id": "anna", "to_id": "cleo"}], "reason": f"{SECRET} is overloaded"}
    await house.ok(DIRECTOR, "POST", f"{C}/transfers", json=moved)
    await house.ok(DIRECTOR, "POST", f"{C}/access/freezes", json=frozen)
    lifted = {"reason": f"{SECRET} found it"}
    for who in (DIRECTOR, HR):
        await house.call(who, "DELETE", f"{C}/access/freezes/anna", json=lifted)
    order = {"id": "o-anna", "client_id": "c-1", "flow_id": "upkeep", "value": "10.00", "origin": "own"}
    order |= {"placed_on": str(house.clock.day()), "assignees": {"contract": "anna", "visit": "gita"}}
    await house.ok("service", "POST", "/orders/v1/orders", json=order)
    await house.ok(DIRECTOR, "POST", "/orders/v1/orders/o-anna/cancel", json={"reason": f"{SECRET} mistook it"})
    await house.settle()


async def depart(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    await carry_out_introductions(house, *await list_introductions(house, "anna"))
    await complete_tasks(house, "anna")
    await record_visit_outcomes(house, "anna")
    await house.settle()
    house.clock.move(days=15)
    await house.settle()
    assert (await get_case(house, "anna"))["status"] == "cleared"


async def everything(house: WatchedHouse, service: str) -> dict[str, list[str]]:
    """Every row of every table, as text; what is kept as bytes is read as text too."""
    tables = await house.rows(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    found = {}
    for table in (row["tablename"] for row in tables):
        rows = await house.rows(service, f"SELECT * FROM {table}")
        found[table] = sorted(
            str(
                {
                    key: bytes(value).decode(errors="replace") if isinstance(value, bytes) else value
                    for key, value in row.items()
                }
            )
            for row in rows
        )
    return found


async def leaves(house: WatchedHouse) -> set[str]:
    """All leaves of the journal as they are kept, wherever they are by now."""
    said = "leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details"
    kept = "SELECT tablename FROM pg_tables WHERE tablename IN ('journal', 'journal_pending')"
    tables = [row["tablename"] for row in await house.rows("clients", kept)]
    return {str(row) for table in tables for row in await house.rows("clients", f"SELECT {said} FROM {table}")}


async def entries(house: WatchedHouse, **filters: Any) -> list[Any]:
    shown: list[Any] = (await house.ok("auditor", "GET", f"{C}/journal", params={"limit": 1000, **filters}))["items"]
    return shown


async def test_after_an_erasure_nothing_says_who_it_was_in_any_table_of_any_service(house: WatchedHouse) -> None:
    await live(house)
    await depart(house)
    said = [text for service in SERVICES for rows in (await everything(house, service)).values() for text in rows]
    for secret in PLANTED:
        assert any(secret in text for text in said), f"{secret} was never kept, so its erasure proves nothing"
    before = await leaves(house)
    assert await entries(house, employee_id="anna")

    await house.ok(HR, "POST", f"{S}/anna/erase", json=ERASE)
    await house.settle()

    for service in SERVICES:
        for table, rows in (await everything(house, service)).items():
            for secret in PLANTED:
                assert not [text for text in rows if secret.casefold() in text.casefold()], (service, table, secret)
    act = await house.ok(HR, "GET", f"{S}/anna/erasure")
    assert (sorted(act["what"]), act["waiting_for"], act["held"]) == (sorted(SERVICES), [], [])
    assert {act["what"]["clients"][kind] for kind in ("summaries", "feedback_notes", "usage")} == {1}
    await delete_surrogates_made_after_erasure(house.runtime("clients"))  # the house itself has asked about her since
    assert await entries(house, employee_id="anna") == []
    assert not await house.rows("clients", "SELECT 1 FROM surrogates WHERE kind = 'employee' AND id = 'anna'")
    assert before <= await leaves(house)  # of the journal nothing has changed
    kinds = [entry for entry in await entries(house) if entry["kind"] == "employee.erased"]
    assert sorted(entry["details"]["service"] for entry in kinds) == sorted(SERVICES)


async def test_what_an_erased_person_did_stays_true_under_their_id(house: WatchedHouse) -> None:
    await live(house)
    await depart(house)
    history = await house.ok(DIRECTOR, "GET", f"{C}/clients/c-1/history")
    await house.ok(HR, "POST", f"{S}/anna/erase", json=ERASE)
    await house.settle()
    case = await get_case(house, "anna")
    assert case["status"] == "cleared"
    assert (await house.ok(DIRECTOR, "GET", f"{C}/clients/c-1/history")) == history
    headers = {"Accept": "application/json"}
    proof = await house.ok(HR, "GET", f"/offboarding/v1/cases/{case['id']}/certificate", headers=headers)
    assert proof["employee_id"] == "anna"
    check = {"employee_id": "anna", "client_id": "c-1", "action": "read"}
    assert (await house.ok("service", "POST", f"{C}/access/check", json=check))["reason"] == "not_employed"
    # The journal names them anew for this, and forgets again; what was before stays without a name.
    assert {entry["kind"] for entry in await entries(house, employee_id="anna")} == {"access.checked"}
    await delete_surrogates_made_after_erasure(house.runtime("clients"))
    assert await entries(house, employee_id="anna") == []


async def test_who_a_client_was_is_gone_in_all_services_and_of_other_clients_nothing(house: WatchedHouse) -> None:
    await live(house)
    await depart(house)
    await house.ok(DIRECTOR, "POST", f"{C}/clients/c-1/erase", json=ERASE)
    await house.settle()
    for table, column in {"introductions": "brief", "visits": "note"}.items():
        rows = await house.rows("offboarding", f"SELECT client_id, {column} IS NULL AS emptied FROM {table}")
        assert all(row["emptied"] for row in rows if row["client_id"] == "c-1"), table
        assert any(not row["emptied"] for row in rows if row["client_id"] != "c-1"), table
    assert await house.scalar("orders", "SELECT cancel_reason FROM orders WHERE order_id = 'o-anna'") is None
    [order] = (await house.ok(DIRECTOR, "GET", "/orders/v1/orders?client_id=c-1&status=cancelled"))["items"]
    assert order["value"] == "10.00"
    entries_of = [entry["details"]["service"] for entry in await entries(house) if entry["kind"] == "client.erased"]
    assert sorted(entries_of) == ["clients", "offboarding", "orders"]


@run_three_ways()
async def test_an_erasure_comes_to_its_end_whatever_is_delivered_twice_and_whenever_a_crash_comes(
    house: WatchedHouse,
) -> None:
    await send_hris_message(house, "employee.left", "fred", on=str(house.clock.day()))
    await house.settle()
    await approve_plan(house, "fred", by=DIRECTOR)
    await house.settle()
    await complete_tasks(house, "fred")
    await house.settle()
    assert (await get_case(house, "fred"))["status"] == "cleared"
    await house.ok(HR, "POST", f"{S}/fred/erase", json=ERASE)
    await house.settle()
    act = await house.ok(HR, "GET", f"{S}/fred/erasure")
    assert (sorted(act["what"]), act["waiting_for"]) == (sorted(SERVICES), [])
    assert (act["what"]["staff"]["profile"], act["what"]["offboarding"]["proofs"] > 0) == (1, True)
    for service in SERVICES:
        for table, rows in (await everything(house, service)).items():
            assert not [text for text in rows if PROOF["proof"] in text], (service, table)
