"""Registering clients, and reading and changing them."""

from typing import Any

import pytest

from tests.services.clients.town import BASE, town

CLIENT: dict[str, Any] = {
    "id": "c-1",
    "name": "Müller GmbH",
    "owner_id": "anna",
    "value": "1200.50",
    "effort": 2,
    "regions": ["north"],
    "languages": ["de"],
    "contacts": [{"name": "Erika Müller", "email": "erika@example.com", "phone": "+49 1"}],
    "team": {"engineering": "ben"},
}


async def test_a_registered_client_is_shown_as_it_was_given() -> None:
    async with town("anna", "ben") as here:
        made = await here.house.call("service", "POST", f"{BASE}/clients", json=CLIENT)
        assert made.status_code == 201
        assert made.headers["Location"] == f"{BASE}/clients/c-1"
        shown = await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients/c-1")
        assert shown == made.json()
        contacts = [{"id": shown["contacts"][0]["id"], **CLIENT["contacts"][0]}]
        given = {**CLIENT, "contacts": contacts}
        assert {**given, "record_owner_id": None, "unowned": False, "status": "active"}.items() <= shown.items()


async def test_the_same_registration_again_gives_the_same_answer_and_another_one_is_refused() -> None:
    async with town("anna", "ben") as here:
        first = await here.house.ok("service", "POST", f"{BASE}/clients", json=CLIENT)
        shuffled = dict(reversed(CLIENT.items()))
        assert await here.house.ok("service", "POST", f"{BASE}/clients", json=shuffled) == first
        other = await here.house.call("service", "POST", f"{BASE}/clients", json={**CLIENT, "name": "Other"})
        assert (other.status_code, other.json()["reason"]) == (409, "exists")
        assert len(await here.house.sent("clients", "client.registered")) == 1


async def test_without_an_id_the_client_gets_one() -> None:
    async with town("anna") as here:
        body = {"name": "A", "owner_id": "anna"}
        first, second = [await here.house.ok("service", "POST", f"{BASE}/clients", json=body) for _ in range(2)]
        assert first["id"] != second["id"]


async def test_an_idempotency_key_makes_one_client_of_two_requests() -> None:
    async with town("anna") as here:
        answers = [
            await here.house.ok(
                "service",
                "POST",
                f"{BASE}/clients",
                json={"name": "A", "owner_id": "anna"},
                headers={"Idempotency-Key": "k-1"},
            )
            for _ in range(2)
        ]
        assert answers[0]["id"] == answers[1]["id"]
        assert await here.house.scalar("clients", "SELECT count(*) FROM clients") == 1


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"owner_id": "nobody"}, 409, "unknown_owner"),
        ({"owner_id": "left"}, 409, "not_employed"),
        ({"owner_id": "frozen"}, 409, "frozen"),
        ({"team": {"engineering": "frozen"}}, 409, "frozen"),
        ({"team": {"engineering": "nobody"}}, 422, "unknown_employee"),
    ],
)
async def test_owner_and_team_must_work_here_and_not_be_frozen(change: Any, status: int, reason: str) -> None:
    async with town("anna", "ben", "left", "frozen") as here:
        await here.leave("left", "anna")
        await here.resign("frozen", "anna")
        answer = await here.house.call("service", "POST", f"{BASE}/clients", json={**CLIENT, **change})
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert await here.house.scalar("clients", "SELECT count(*) FROM clients") == 0


async def test_an_employee_registers_clients_for_themselves_only_and_a_head_for_their_people() -> None:
    async with town("ben") as here:
        await here.department("north", head="nora")
        await here.hire("nora", "anna", department_id="north")
        own = {"name": "A", "owner_id": "anna"}
        for who, status in (
            (("employee", "anna"), 201),
            (("employee", "ben"), 403),
            (("sales_head", "nora"), 201),
            (("sales_head", "ben"), 403),
            ("director", 201),
            ("hr", 403),
            ("ops", 403),
            ("auditor", 403),
        ):
            assert (await here.house.call(who, "POST", f"{BASE}/clients", json=own)).status_code == status, who


async def test_an_employee_sees_only_theirs_and_knows_nothing_of_others() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")
        await here.client("c-3", "ben", team={"delivery": "anna"})
        listed = await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients")
        assert [client["id"] for client in listed["items"]] == ["c-1", "c-3"]
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-2")).status_code == 404
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/none")).status_code == 404


async def test_a_head_sees_the_departments_that_they_head_and_those_below() -> None:
    async with town("nora", "otto", "stranger") as here:
        await here.department("sales", head="nora")
        await here.department("north", head="otto", parent="sales")
        await here.hire("anna", department_id="north")
        await here.hire("ben", department_id="sales")
        await here.client("c-1", "anna")
        await here.client("c-2", "ben")

        async def seen(sub: str) -> list[str]:
            listed = await here.house.ok(("sales_head", sub), "GET", f"{BASE}/clients")
            return [client["id"] for client in listed["items"]]

        assert await seen("nora") == ["c-1", "c-2"]
        assert await seen("otto") == ["c-1"]
        assert await seen("stranger") == []
        assert (await here.house.call(("sales_head", "otto"), "GET", f"{BASE}/clients/c-2")).status_code == 404


@pytest.mark.parametrize("role", ["hr", "ops", "auditor"])
async def test_hr_ops_and_auditors_see_no_client_data(role: str) -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for path in ("clients", "clients/c-1", "clients/c-1/history", "export"):
            assert (await here.house.call(role, "GET", f"{BASE}/{path}")).status_code == 403


async def test_lists_are_paged_and_filtered_by_acting_owner() -> None:
    async with town("anna", "ben", "carl") as here:
        for number in range(5):
            await here.client(f"c-{number}", "anna" if number < 3 else "ben")
        await here.resign("anna", "carl")
        first = await here.house.ok("director", "GET", f"{BASE}/clients?limit=2")
        rest = await here.house.ok("director", "GET", f"{BASE}/clients?limit=9&cursor={first['next_cursor']}")
        assert [client["id"] for client in first["items"] + rest["items"]] == [f"c-{number}" for number in range(5)]
        assert rest["next_cursor"] is None

        async def owned(owner: str) -> list[str]:
            listed = await here.house.ok("director", "GET", f"{BASE}/clients?owner_id={owner}")
            return [client["id"] for client in listed["items"]]

        assert await owned("carl") == ["c-0", "c-1", "c-2"]
        assert await owned("anna") == []
        assert await owned("ben") == ["c-3", "c-4"]


async def test_a_change_needs_the_version_it_was_made_for() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", value="10.00")
        read = await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-1")
        tag = read.headers["ETag"]

        async def patch(name: str, tag: str) -> Any:
            return await here.house.call(
                ("employee", "anna"), "PATCH", f"{BASE}/clients/c-1", json={"name": name}, headers={"If-Match": tag}
            )

        changed = await patch("New name", tag)
        assert (changed.status_code, changed.json()["name"], changed.json()["value"]) == (200, "New name", "10.00")
        assert changed.headers["ETag"] != tag
        assert (await patch("Later", tag)).status_code == 412
        assert (await patch("Later", changed.headers["ETag"])).status_code == 200
        events = await here.house.sent("clients", "client.changed")
        assert [event.data.value for event in events] == ["10.00", "10.00"]


async def test_only_who_may_edit_changes_a_client() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", team={"delivery": "ben"})
        for who, status in ((("employee", "ben"), 403), ("director", 403), ("service", 200), (("employee", "x"), 404)):
            answer = await here.house.call(who, "PATCH", f"{BASE}/clients/c-1", json={"name": "B"})
            assert answer.status_code == status, who


async def test_the_team_is_said_by_the_owner_or_a_head_and_only_of_people_who_work_here() -> None:
    async with town("anna", "ben", "carl", "left") as here:
        await here.leave("left")
        await here.client("c-1", "anna")
        path = f"{BASE}/clients/c-1/team/engineering"
        placed = await here.house.ok(("employee", "anna"), "PUT", path, json={"employee_id": "ben"})
        assert placed["team"] == {"engineering": "ben"}
        assert await here.check("ben", "c-1") == "team"
        assert (
            await here.house.call(("employee", "ben"), "PUT", path, json={"employee_id": "carl"})
        ).status_code == 403
        await here.house.ok("director", "PUT", path, json={"employee_id": "carl"})
        assert await here.check("ben", "c-1") == "no_relation"
        assert (await here.house.call("director", "PUT", path, json={"employee_id": "left"})).status_code == 409
        assert (await here.house.call("director", "DELETE", path)).status_code == 204
        assert (await here.house.call("director", "DELETE", path)).status_code == 404
        assert await here.check("carl", "c-1") == "no_relation"


async def test_interactions_say_who_knows_whom_and_feedback_what_the_client_says() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", team={"delivery": "ben"})
        meeting = {"id": "i-1", "employee_id": "ben", "kind": "meeting", "at": here.house.clock().isoformat()}
        for _ in range(2):
            noted = await here.house.ok(("employee", "ben"), "POST", f"{BASE}/clients/c-1/interactions", json=meeting)
            assert noted["id"] == "i-1"
        other = {**meeting, "kind": "call"}
        assert (
            await here.house.call("service", "POST", f"{BASE}/clients/c-1/interactions", json=other)
        ).status_code == 409
        unknown = await here.house.call("service", "POST", f"{BASE}/clients/none/interactions", json=meeting)
        assert unknown.status_code == 404
        given = await here.house.ok(
            "service", "POST", f"{BASE}/clients/c-1/feedback", json={"score": 9, "note": "fine"}
        )
        assert given["score"] == 9


async def test_the_value_is_the_one_stated_else_the_sum_of_a_year_of_orders() -> None:
    from datetime import timedelta

    from shared.contracts.orders import OrderPlaced, OrderState

    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna", value="5")

        def order(id: str, client: str, value: str, days: int, status: Any = "open") -> OrderState:
            return OrderState(
                order_id=id,
                client_id=client,
                flow_id="f",
                value=value,
                origin="own",
                status=status,
                placed_on=here.today - timedelta(days=days),
                sequence=1,
            )

        orders = [
            order("o-1", "c-1", "100.00", 10),
            order("o-2", "c-1", "23.45", 300, "delivered"),
            order("o-3", "c-1", "9000.00", 400),
            order("o-4", "c-1", "9000.00", 5, "cancelled"),
            order("o-5", "c-2", "9000.00", 5),
        ]
        await here.deliver(OrderPlaced(batch_id="b", items=orders), source="orders")
        shown = await here.house.ok("director", "GET", f"{BASE}/clients")
        assert [client["value"] for client in shown["items"]] == ["123.45", "5.00"]


async def test_the_answer_to_a_registration_said_again_is_a_read_in_the_journal() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        before = await here.house.scalar("clients", "SELECT count(*) FROM journal_entries")
        await here.client("c-1", "anna")
        rows = await here.house.rows("clients", "SELECT kind, action, reason FROM journal_entries ORDER BY id")
        assert [tuple(row.values()) for row in rows[before:]] == [("client.accessed", "read", "service")]
