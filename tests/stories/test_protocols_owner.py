"""protocols.md: the acting owner, capacity, import."""

import json

from tests.stories.actions import DIRECTOR, HR, approve_plan, check_access, get_owners, list_owners, resign
from tests.stories.company import OWNERS, get_day, register_client
from tests.stories.three_ways import WatchedHouse

MANY = 2_000
ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


async def import_clients(house: WatchedHouse, owner: str, ids: list[str]) -> list[str]:
    lines = "\n".join(json.dumps({"id": id, "name": f"Client {id}", "owner_id": owner}) for id in ids)
    headers = {"content-type": "application/x-ndjson"}
    answer = await house.call("ops", "POST", "/clients/v1/imports?kind=clients", content=lines, headers=headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["outcome"] for line in answer.text.splitlines()]


async def test_a_freeze_is_one_row_whatever_the_number_of_clients(house: WatchedHouse) -> None:
    house.truths = None  # asking about each of 2,000 clients in each step would take minutes
    assert set(await import_clients(house, "anna", [f"many-{number}" for number in range(MANY)])) == {"created"}
    await house.settle()
    written = "SELECT client_id, xmin::text AS written FROM clients ORDER BY 1"
    before = await house.rows("clients", written)
    history = await house.scalar("clients", "SELECT count(*) FROM history")

    await resign(house, "anna")
    await house.settle()
    assert await house.rows("clients", written) == before
    assert await house.scalar("clients", "SELECT count(*) FROM history") == history
    held = await house.scalar(
        "clients",
        "SELECT count(*) FROM clients JOIN people ON employee_id = owner_id WHERE coalesce(stand_in_id, owner_id) = 'ben'",
    )
    assert held == MANY + len(ANNAS) + sum(owner == "ben" for owner in OWNERS.values())
    frozen = await house.ok(HR, "GET", "/clients/v1/access/freezes/anna")
    assert (frozen["caretaker_id"], frozen["clients"]) == ("ben", MANY + len(ANNAS))


async def test_owner_of_record_is_shown_where_it_differs_from_the_acting_owner(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    client = await house.ok(DIRECTOR, "GET", "/clients/v1/clients/c-1")
    assert (client["owner_id"], client["record_owner_id"]) == ("ben", "anna")
    other = await house.ok(DIRECTOR, "GET", "/clients/v1/clients/c-6")
    assert (other["owner_id"], other["record_owner_id"]) == ("ben", None)
    listed = await house.ok(DIRECTOR, "GET", "/clients/v1/clients?owner_id=ben")
    assert {client["id"] for client in listed["items"]} == {*ANNAS, "c-6", "c-7", "c-8"}


async def test_caretaker_is_the_deputy_unless_absent_then_the_manager(house: WatchedHouse) -> None:
    absence = {"from": str(get_day(-1)), "until": str(get_day(30))}
    await house.ok(HR, "PUT", "/staff/v1/employees/ben/absences/a-1", json=absence)
    await resign(house, "anna")
    await house.settle()
    assert await list_owners(house, ANNAS) == {"hana"}


async def test_caretaker_after_deputy_and_manager_is_the_head_of_the_next_department_upward(
    house: WatchedHouse,
) -> None:
    for freeze in ("ben", "hana"):
        await house.ok(
            HR, "POST", "/clients/v1/access/freezes", json={"employee_id": freeze, "reason": "A lost laptop"}
        )
    await house.settle()
    await resign(house, "anna")
    await house.settle()
    assert await list_owners(house, ANNAS) == {"dora"}


async def test_with_nobody_left_the_freeze_holds_the_client_is_listed_and_a_transfer_ends_it(
    house: WatchedHouse,
) -> None:
    for freeze in ("ben", "hana", "dora"):
        await house.ok(
            HR, "POST", "/clients/v1/access/freezes", json={"employee_id": freeze, "reason": "A lost laptop"}
        )
    house.truths = None  # the director who lists them is frozen too
    await house.settle()
    await resign(house, "anna")
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "frozen"
    other = (("director", "employee"), "emil")
    listed = await house.ok(other, "GET", "/clients/v1/clients?unowned=true")
    assert {client["id"] for client in listed["items"]} >= set(ANNAS)
    move = {"items": [{"client_id": "c-1", "from_id": "anna", "to_id": "cleo"}], "reason": "Nobody else is here"}
    assert (await house.ok(other, "POST", "/clients/v1/transfers", json=move))["items"][0]["outcome"] == "done"
    assert await check_access(house, "cleo", "c-1") == "owner"


async def test_import_of_the_old_file_after_a_departure_gives_nobody_their_clients_back(house: WatchedHouse) -> None:
    ids = ["file-1", "file-2"]
    await import_clients(house, "anna", ids)
    await resign(house, "anna")
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    before = await get_owners(house)
    assert await import_clients(house, "anna", ids) == ["unchanged", "unchanged"]
    await house.settle()
    assert await get_owners(house) == before


async def test_capacity_never_refuses_a_registration_a_caretaker_or_a_manual_transfer(house: WatchedHouse) -> None:
    large = {"id": "c-large", "name": "Large", "owner_id": "anna", "effort": 500, "contacts": [], "team": {}}
    await house.ok("service", "POST", "/clients/v1/clients", json=large)
    await resign(house, "anna")
    await house.settle()
    assert await check_access(house, "ben", "c-large") == "caretaker"
    move = {"items": [{"client_id": "c-large", "from_id": "anna", "to_id": "cleo"}], "reason": "They know each other"}
    moved = await house.ok(DIRECTOR, "POST", "/clients/v1/transfers", json=move)
    assert moved["items"][0]["outcome"] == "done"
    await register_client(house, "c-more", "cleo")
    await house.settle()
    assert await check_access(house, "cleo", "c-large") == "owner"
