"""Transfers by hand and by a case."""

from typing import Any

import pytest

from shared.contracts.clients import ClientMove, PlaceTeam, TeamMove, TransferClients
from tests.services.clients.town import BASE, Town, town


async def test_each_item_is_done_or_says_why_not() -> None:
    async with town("anna", "ben", "carl", "frozen", "left") as here:
        await here.resign("frozen")
        await here.leave("left")
        for number in range(6):
            await here.client(f"c-{number}", "anna")
        outcomes = await here.transfer(
            ("c-0", "anna", "ben"),
            ("c-1", "carl", "ben"),
            ("none", "anna", "ben"),
            ("c-2", "anna", "frozen"),
            ("c-3", "anna", "left"),
            ("c-4", "anna", "nobody"),
            ("c-5", "carl", "anna"),
        )
        assert outcomes == [
            "done",
            "not_owner",
            "unknown_client",
            "frozen",
            "not_employed",
            "unknown_employee",
            "done",
        ]
        assert [await here.owner(f"c-{number}") for number in range(6)] == ["ben", *["anna"] * 5]


async def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        moves = [("c-1", "anna", "ben"), ("c-1", "carl", "ben")]
        assert await here.transfer(*moves[:1], dry_run=True) == ["done"]
        assert await here.owner("c-1") == "anna"
        assert await here.house.sent("clients", "client.transferred") == []
        journaled = await here.house.scalar(
            "clients", "SELECT count(*) FROM journal_entries WHERE kind = 'client.transferred'"
        )
        assert journaled == 0


async def test_a_client_named_twice_moves_twice_in_order() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        assert await here.transfer(("c-1", "anna", "ben"), ("c-1", "ben", "carl")) == ["done", "done"]
        assert await here.owner("c-1") == "carl"


async def test_a_transfer_repeated_with_its_key_is_marked_as_a_replay_and_moves_nobody_again() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        move = {"client_id": "c-1", "from_id": "anna", "to_id": "ben"}
        request = {"json": {"items": [move], "reason": "x"}, "headers": {"Idempotency-Key": "k-1"}}
        first = await here.house.call("director", "POST", f"{BASE}/transfers", **request)
        again = await here.house.call("director", "POST", f"{BASE}/transfers", **request)
        assert (first.json(), first.headers.get("idempotency-replayed")) == (again.json(), None)
        assert again.headers["idempotency-replayed"] == "true"
        assert len(await here.house.sent("clients", "client.transferred")) == 1


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        (b"{", 400, ["body"]),
        (b"[]", 422, ["body"]),
        (b'{"items": [], "reason": "x", "why": 1}', 422, ["body", "why"]),
        (b'{"items": [], "reason": ""}', 422, ["body", "reason"]),
    ],
)
async def test_a_transfer_that_cannot_be_right_names_the_place(body: bytes, status: int, place: list[object]) -> None:
    async with town() as here:
        headers = {"content-type": "application/json"}
        answer = await here.house.call("director", "POST", f"{BASE}/transfers", content=body, headers=headers)
        assert (answer.status_code, [error["loc"] for error in answer.json()["errors"]]) == (status, [place])


async def test_many_clients_move_in_chunks_with_one_event_and_one_leaf_each() -> None:
    async with town("anna", "ben") as here:
        lines = [f'{{"id":"c-{number}","name":"C","owner_id":"anna"}}' for number in range(2_100)]
        await here.house.call("service", "POST", f"{BASE}/imports?kind=clients", content="\n".join(lines).encode())
        outcomes = await here.transfer(*[(f"c-{number}", "anna", "ben") for number in range(2_100)])
        assert set(outcomes) == {"done"}
        events = await here.house.sent("clients", "client.transferred")
        assert sorted(len(event.data.items) for event in events) == [100, 1_000, 1_000]
        assert len({item.client_id for event in events for item in event.data.items}) == 2_100
        leaves = await here.house.scalar(
            "clients", "SELECT count(*) FROM journal_entries WHERE kind = 'client.transferred'"
        )
        assert leaves == 3
        counted = await here.house.rows("clients", "SELECT owner_id, clients FROM portfolios ORDER BY 1")
        assert counted == [{"owner_id": "anna", "clients": 0}, {"owner_id": "ben", "clients": 2_100}]


async def test_a_head_moves_only_clients_of_their_own_departments() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        moved = await here.transfer(("c-1", "anna", "ben"), ("c-2", "ben", "anna"), who=("sales_head", "nora"))
        assert moved == ["done", "unknown_client"]
        for who in (("employee", "ben"), "hr", "ops"):
            answer = await here.house.call(who, "POST", f"{BASE}/transfers", json={"items": [], "reason": "x"})
            assert answer.status_code == 403


async def test_the_caretaker_may_be_named_as_the_owner_by_hand() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        await here.resign("anna", "ben")
        assert await here.transfer(("c-1", "ben", "carl"), ("c-2", "anna", "carl")) == ["done", "done"]


# -- by a case ---------------------------------------------------------------------------------------------------------


async def by_case(here: Town, *moves: tuple[str, str, str], kind: Any = "permanent", epoch: int = 1) -> list[str]:
    items = [ClientMove(client_id=client, from_id=from_id, to_id=to_id) for client, from_id, to_id in moves]
    command = TransferClients(
        command_id="case-1/transfer/1", case_id="case-1", epoch=epoch, employee_id="anna", kind=kind, items=items
    )
    await here.deliver(command, source="offboarding")
    (*_, answer) = await here.house.sent("clients", "command.answered")
    assert answer.data.outcome == "done"
    return [result.outcome for result in answer.data.results]


async def test_a_case_moves_the_owner_of_record_and_repeating_it_is_done_too() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await here.resign("anna", "ben")
        for _ in range(2):
            assert await by_case(here, ("c-1", "anna", "carl"), ("c-2", "anna", "carl")) == ["done", "not_owner"]
        assert await here.owner("c-1") == "carl"
        (event,) = await here.house.sent("clients", "client.transferred")
        assert (event.data.kind, event.data.case_id, event.data.client_id) == ("permanent", "case-1", "c-1")


async def test_a_case_does_not_take_the_caretaker_for_the_owner() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.resign("anna", "ben")
        assert await by_case(here, ("c-1", "ben", "carl")) == ["not_owner"]


async def test_a_return_gives_back_into_the_stand_ins_hands_unless_the_client_has_moved_on() -> None:
    async with town("anna", "ben", "carl", "dora") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        await here.resign("anna", "ben")
        await by_case(here, ("c-1", "anna", "carl"), ("c-2", "anna", "carl"))
        assert await here.transfer(("c-2", "carl", "dora")) == ["done"]
        returned = await by_case(here, ("c-1", "carl", "anna"), ("c-2", "carl", "anna"), kind="returned")
        assert returned == ["done", "not_owner"]
        assert await here.owner("c-1") == "ben"
        assert await here.owner("c-2") == "dora"


async def test_a_client_is_not_returned_to_somebody_for_whom_nobody_stands_in() -> None:
    async with town("anna", "carl") as here:
        await here.client("c-1", "anna")
        await here.resign("anna")
        await by_case(here, ("c-1", "anna", "carl"))
        assert await by_case(here, ("c-1", "carl", "anna"), kind="returned") == ["frozen"]


async def test_an_older_epoch_of_the_case_moves_nothing() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await by_case(here, ("c-1", "anna", "ben"), epoch=2)
        command = TransferClients(
            command_id="case-1/transfer/0",
            case_id="case-1",
            epoch=1,
            employee_id="anna",
            items=[ClientMove(client_id="c-1", from_id="ben", to_id="carl")],
        )
        await here.deliver(command, source="offboarding")
        (*_, answer) = await here.house.sent("clients", "command.answered")
        assert answer.data.outcome == "stale"
        assert await here.owner("c-1") == "ben"


async def test_the_leavers_places_in_teams_go_to_colleagues() -> None:
    async with town("anna", "ben", "carl", "frozen") as here:
        await here.client("c-1", "ben", team={"delivery": "anna", "engineering": "carl"})
        await here.client("c-2", "ben", team={"delivery": "anna"})
        await here.resign("anna", "ben")
        await here.resign("frozen")
        items = [
            TeamMove(client_id="c-1", function="delivery", from_id="anna", to_id="carl"),
            TeamMove(client_id="c-1", function="engineering", from_id="anna", to_id="ben"),
            TeamMove(client_id="c-2", function="delivery", from_id="anna", to_id="frozen"),
            TeamMove(client_id="none", function="delivery", from_id="anna", to_id="carl"),
        ]
        command = PlaceTeam(command_id="case-1/team/1", case_id="case-1", epoch=1, employee_id="anna", items=items)
        for _ in range(2):
            await here.deliver(command, source="offboarding")
            (*_, answer) = await here.house.sent("clients", "command.answered")
            assert [(result.id, result.outcome) for result in answer.data.results] == [
                ("c-1/delivery", "done"),
                ("c-1/engineering", "not_in_team"),
                ("c-2/delivery", "frozen"),
                ("none/delivery", "unknown_client"),
            ]
        shown = await here.house.ok("director", "GET", f"{BASE}/clients/c-1")
        assert shown["team"] == {"delivery": "carl", "engineering": "carl"}
        assert len(await here.house.sent("clients", "client.changed")) == 1


async def test_nothing_goes_back_to_whoever_is_frozen_though_it_is_theirs_of_record() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "carl")
        await here.resign("anna", "ben")
        await here.leave("carl", "ben")
        assert await here.transfer(("c-1", "ben", "anna")) == ["frozen"]
        assert await here.transfer(("c-2", "ben", "carl")) == ["not_employed"]
        assert await here.owner("c-1") == await here.owner("c-2") == "ben"
        assert await here.transfer(("c-1", "anna", "ben")) == await here.transfer(("c-1", "anna", "ben")) == ["done"]
