"""What hangs on one person alone: for all clients at once, ranked by value, shown to whom it concerns."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from services.clients.relationships.rules import INTERACTION_WEIGHTS, InteractionKind
from services.clients.risks.handlers import announce_single_threaded_clients, recompute_single_threaded_clients
from shared.contracts.orders import OrderPlaced, OrderState
from shared.database import open_database
from tests.services.clients.test_imports_of_knowing import imported
from tests.services.clients.test_knowing import meet
from tests.services.clients.town import BASE, Town, town
from tests.support.knowledge_oracle import Acquaintance, compute_acquaintance_score, find_client_dependency
from tests.support.watched_connection import make_watched_connection_class


async def recompute(here: Town) -> dict[str, Any]:
    done: dict[str, Any] = await here.house.ok("ops", "POST", f"{BASE}/risk/recompute")
    return done


async def at_risk(here: Town, who: Any = "director", **params: Any) -> list[str]:
    return [one["client_id"] for one in (await page(here, who, **params))["items"]]


async def page(here: Town, who: Any = "director", **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = await here.house.ok(who, "GET", f"{BASE}/risk/clients", params=params)
    return found


async def employee(here: Town, id: str, who: Any = "director") -> dict[str, Any]:
    found: dict[str, Any] = await here.house.ok(who, "GET", f"{BASE}/risk/employees/{id}")
    return found


async def computed(here: Town) -> list[dict[str, Any]]:
    return await here.house.rows("clients", "SELECT * FROM client_risks ORDER BY client_id")


async def test_clients_that_one_knows_are_ranked_by_value_with_the_reason() -> None:
    async with town("anna", "ben", "carl") as here:
        for client, value in (("c-1", "10"), ("c-2", "30"), ("c-3", "20"), ("c-4", "40")):
            await here.client(client, "anna", value=value)
        for client, who in (("c-1", "ben"), ("c-3", "carl"), ("c-4", "anna"), ("c-4", "ben")):
            await meet(here, client, who)
        await here.resign("carl", "ben")
        done = await recompute(here)
        assert (done["clients"], done["changed"]) == (4, 4)
        found = await page(here)
        names = ("client_id", "value", "known_by", "alone_id", "why", "share")
        shown = [tuple(one[name] for name in names) for one in found["items"]]
        assert shown == [
            ("c-2", "30.00", 1, "anna", "owner_alone", 0.3),
            ("c-3", "20.00", 0, "carl", "only_leaving", 0.2),
            ("c-1", "10.00", 1, "ben", "known_by_one", 0.1),
        ]
        assert {one["owner_id"] for one in found["items"]} == {"anna"}
        assert found["computed_at"] > done["computed_at"] == found["items"][0]["computed_at"]


async def test_value_is_what_is_stated_else_what_was_ordered_in_twelve_months() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna", value="5")
        ordered = [("c-1", 1, "open"), ("c-1", 300, "delivered"), ("c-1", 400, "delivered"), ("c-1", 2, "cancelled")]
        for number, (client, days, status) in enumerate([*ordered, ("c-2", 1, "open")]):
            state = {"order_id": f"o-{number}", "client_id": client, "flow_id": "f", "value": "7.00", "origin": "own"}
            state |= {"status": status, "placed_on": here.today - timedelta(days=days), "sequence": 1}
            await here.deliver(OrderPlaced(order=OrderState.model_validate(state)), source="orders")
        await recompute(here)
        assert [(one["client_id"], one["value"]) for one in (await page(here))["items"]] == [
            ("c-1", "14.00"),
            ("c-2", "5.00"),
        ]


async def test_a_prospect_counts_with_what_is_expected_of_it_and_a_closed_client_not_at_all() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", status="prospect", expected_value="30")
        await here.client("c-2", "anna", status="prospect", expected_value="30", value="20")
        await here.client("c-3", "anna", expected_value="30")
        await here.client("c-4", "anna", status="closed", value="30")
        await recompute(here)
        shown = [(one["client_id"], one["value"]) for one in (await page(here))["items"]]
        assert shown == [("c-1", "30.00"), ("c-2", "20.00"), ("c-3", "0.00")]


async def test_only_what_changed_is_written_again() -> None:
    async with town("anna", "ben") as here:
        for client in ("c-1", "c-2", "c-3"):
            await here.client(client, "anna", value="1")
        await meet(here, "c-1", "anna")
        assert (await recompute(here))["changed"] == 3
        before = await computed(here)
        here.house.clock.move(minutes=1)
        assert (await recompute(here))["changed"] == 0
        assert await computed(here) == before
        await meet(here, "c-1", "ben")
        assert (await recompute(here))["changed"] == 1
        after = await computed(here)
        assert (after[0]["known_by"], after[0]["alone_id"], after[0]["why"]) == (2, None, None)
        assert after[0]["computed_at"] > before[0]["computed_at"]
        assert after[1:] == before[1:]


async def test_each_sees_clients_at_risk_of_their_own_and_heads_those_of_their_people() -> None:
    async with town("stranger") as here:
        await here.department("north", head="hanna")
        await here.department("north-east", parent="north")
        await here.department("south", head="sam")
        await here.hire("hanna", "anna", department_id="north")
        await here.hire("ben", department_id="north-east")
        await here.hire("sam", "sue", department_id="south")
        for number, owner in enumerate(("anna", "ben", "sue")):
            await here.client(f"c-{number}", owner, value="1", team={"delivery": "stranger"})
        await recompute(here)
        everything = ["c-0", "c-1", "c-2"]
        assert await at_risk(here, "director") == await at_risk(here, "service") == everything
        assert await at_risk(here, (("sales_head", "employee"), "hanna")) == ["c-0", "c-1"]
        assert await at_risk(here, ("employee", "hanna")) == []
        assert await at_risk(here, ("employee", "anna")) == ["c-0"]
        assert await at_risk(here, ("employee", "stranger")) == []
        assert await at_risk(here, department_id="north") == ["c-0", "c-1"]
        assert await at_risk(here, department_id="north-east") == ["c-1"]
        assert await at_risk(here, owner_id="sue") == ["c-2"]
        assert await at_risk(here, (("sales_head", "employee"), "hanna"), owner_id="sue") == []
        for role in ("hr", "ops", "auditor"):
            assert (await here.house.call(role, "GET", f"{BASE}/risk/clients")).status_code == 403


async def test_whose_a_client_is_is_asked_when_it_is_read_so_a_freeze_shows_at_once() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", value="1")
        await recompute(here)
        await here.resign("anna", "ben")
        assert await at_risk(here, ("employee", "ben")) == ["c-1"]
        answer = await here.house.call(("employee", "anna"), "GET", f"{BASE}/risk/clients")
        assert answer.status_code == 403
        assert (await here.house.call(("employee", "anna"), "GET", f"{BASE}/risk/employees/anna")).status_code == 403
        assert await at_risk(here, owner_id="ben") == ["c-1"]
        assert await at_risk(here, owner_id="anna") == []


async def test_pages_are_without_gaps_and_each_is_one_decision_to_list() -> None:
    async with town("anna") as here:
        for number in range(7):
            await here.client(f"c-{number}", "anna", value=str(number // 3))
        await recompute(here)
        seen: list[str] = []
        params: dict[str, Any] = {"limit": 2}
        before = await here.house.scalar("clients", "SELECT count(*) FROM journal_entries")
        while True:
            found = await page(here, **params)
            seen += [one["client_id"] for one in found["items"]]
            if found["next_cursor"] is None:
                break
            params["cursor"] = found["next_cursor"]
        assert seen == ["c-6", "c-3", "c-4", "c-5", "c-0", "c-1", "c-2"]
        leaves = await here.house.rows(
            "clients",
            "SELECT kind, action, reason, cardinality(clients) AS n FROM journal_entries ORDER BY id OFFSET :before",
            before=before,
        )
        assert [leaf["n"] for leaf in leaves] == [2, 2, 2, 1]
        assert {(leaf["kind"], leaf["action"], leaf["reason"]) for leaf in leaves} == {
            ("client.listed", "list", "head")
        }


async def test_the_revenue_that_hangs_on_one_person_alone_and_its_share() -> None:
    async with town("anna", "ben") as here:
        for client, owner, value in (
            ("c-1", "anna", "10"),
            ("c-2", "anna", "30"),
            ("c-3", "ben", "40"),
            ("c-4", "ben", "20"),
        ):
            await here.client(client, owner, value=value)
        for client, who in (("c-1", "anna"), ("c-2", "anna"), ("c-2", "ben"), ("c-3", "anna")):
            await meet(here, client, who)
        found = await employee(here, "anna")
        top = [one["client_id"] for one in found.pop("top")]
        assert top == ["c-3", "c-1"]
        assert found == {
            "employee_id": "anna",
            "clients": 2,
            "value": "40.00",
            "alone_clients": 2,
            "alone_value": "50.00",
            "share_of_own": 0.25,
            "share_of_company": 0.5,
            "computed_at": (await page(here))["items"][0]["computed_at"],
        }
        assert (await employee(here, "ben"))["alone_value"] == "20.00"


async def test_what_hangs_on_a_leaver_is_seen_though_somebody_stands_in() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna", value="10")
        await meet(here, "c-1", "anna")
        await here.resign("anna", "ben")
        await recompute(here)
        found = await employee(here, "anna")
        assert (found["clients"], found["value"], found["alone_value"], found["share_of_own"]) == (
            1,
            "10.00",
            "10.00",
            1.0,
        )
        assert [(one["client_id"], one["why"]) for one in found["top"]] == [("c-1", "only_leaving")]


async def test_the_risk_of_an_employee_is_seen_by_whom_it_concerns_and_by_hr_without_clients() -> None:
    async with town("ben") as here:
        await here.department("north", head="hanna")
        await here.hire("hanna", "anna", department_id="north")
        await here.client("c-1", "anna", value="10")
        await here.client("c-2", "ben", value="10")
        await meet(here, "c-2", "anna")
        await recompute(here)
        shown: Mapping[Any, list[str]] = {
            "director": ["c-1", "c-2"],
            "service": ["c-1", "c-2"],
            ("employee", "anna"): ["c-1"],  # they met the other, which is not theirs
            (("sales_head", "employee"), "hanna"): ["c-1"],
            "hr": [],
        }
        for who, top in shown.items():
            found = await employee(here, "anna", who)
            assert (found["alone_clients"], found["alone_value"]) == (2, "20.00")
            assert [one["client_id"] for one in found["top"]] == top
        strangers = (("employee", "ben"), ("employee", "hanna"), (("sales_head", "employee"), "ben"))
        for stranger in strangers:
            assert (await here.house.call(stranger, "GET", f"{BASE}/risk/employees/anna")).status_code == 404
        for who in ("director", "hr"):
            assert (await here.house.call(who, "GET", f"{BASE}/risk/employees/nobody")).status_code == 404
        assert (await here.house.call("ops", "GET", f"{BASE}/risk/employees/anna")).status_code == 403
        rows = await here.house.rows(
            "clients", "SELECT reason FROM journal_entries WHERE kind = 'risk.read' ORDER BY id"
        )
        assert [row["reason"] for row in rows] == ["head", "service", "owner", "head", None]


async def test_any_number_of_clients_is_computed_by_the_same_few_statements() -> None:
    async with town("anna", "ben") as here:
        runtime, said = here.house.runtime("clients"), list[str]()
        seen = make_watched_connection_class(lambda _, statement, values, rows: said.append(statement))
        watching = replace(runtime, database=open_database(runtime.database.url, connection_class=seen))
        by_size = []
        for first, last in ((0, 3), (3, 3_000)):
            rows = [{"id": f"c-{n}", "name": "A", "owner_id": ("anna", "ben")[n % 2]} for n in range(first, last)]
            assert set(await imported(here, "clients", *rows)) == {("created", None)}
            said.clear()
            async with watching.unit_of_work("ops") as work:
                assert (await recompute_single_threaded_clients(work)).changed == last - first
            by_size.append(list(said))
        await watching.database.close()
        assert by_size[0] == by_size[1]
        assert sum("client_risks" in statement for statement in by_size[0]) == 2


async def test_all_at_once_and_one_by_one_say_the_same() -> None:
    """Against the rule as it is written, for everything that chance makes of a small company."""
    draw = Random("knowing")
    names = ["anna", "ben", "carl", "dora", "emil", "frida"]
    async with town(*names) as here:
        met: dict[str, dict[str, dict[InteractionKind, int]]] = {}
        for number in range(40):
            client = f"c-{number}"
            await here.client(client, draw.choice(names), value=str(number))
            met[client] = {
                name: {kind: draw.choice((0, 0, 1, 2, 11)) for kind in INTERACTION_WEIGHTS}
                for name in draw.sample(names, draw.choice((0, 1, 1, 2, 3)))
            }
        given = [
            (c, e, k) for c, of in met.items() for e, kinds in of.items() for k, n in kinds.items() for _ in range(n)
        ]
        runtime = here.house.runtime("clients")
        async with runtime.unit_of_work("crm") as work:
            await work.execute(
                """
                INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, by_id)
                SELECT CAST(gen_random_uuid() AS text), c, e, k, :at, 'crm'
                FROM unnest(CAST(:clients AS text[]), CAST(:employees AS text[]), CAST(:kinds AS text[])) AS g (c, e, k)
                """,
                at=here.house.clock() - timedelta(days=5),
                clients=[one[0] for one in given],
                employees=[one[1] for one in given],
                kinds=[one[2] for one in given],
            )
        await here.resign("anna", "ben")
        await here.resign("carl", "emil")
        await here.leave("dora", "emil")
        await recompute(here)
        leaving, left = {"anna", "carl"}, {"dora"}
        for row in await computed(here):
            client = row["client_id"]
            known = [
                Acquaintance(name, compute_acquaintance_score(kinds), name not in leaving)
                for name, kinds in met[client].items()
                if name not in left
            ]
            wanted = find_client_dependency(known, await here.owner(client), True)
            assert (row["known_by"], row["alone_id"], row["why"]) == (wanted.known_by, wanted.alone_id, wanted.why)
            live = await here.house.ok("director", "GET", f"{BASE}/clients/{client}/knowledge")
            assert (live["count"], live["alone_id"], live["why"]) == (wanted.known_by, wanted.alone_id, wanted.why)


async def test_a_client_of_high_value_that_hangs_on_one_person_is_told_once_for_each_change() -> None:
    async with town("anna", "ben", "carl", alert_value=Decimal(100)) as here:
        runtime = here.house.runtime("clients")

        async def told() -> list[tuple[str, str, str]]:
            await recompute(here)
            await announce_single_threaded_clients(runtime)
            events = await here.house.sent("clients", "client.single_threaded")
            return [(event.data.client_id, event.data.employee_id, event.data.value) for event in events]

        for client, value in (("c-1", "100"), ("c-2", "99.99"), ("c-3", "500")):
            await here.client(client, "anna", value=value)
        for who in ("anna", "ben"):
            await meet(here, "c-3", who)
        assert await told() == [("c-1", "anna", "100.00")]
        assert await told() == [("c-1", "anna", "100.00")]
        await here.resign("ben", "carl")
        assert (await told())[1:] == [("c-3", "anna", "500.00")]
        await meet(here, "c-3", "carl")
        assert len(await told()) == 2
        await here.resign("anna", "carl")
        assert sorted((await told())[2:]) == [("c-1", "carl", "100.00"), ("c-3", "carl", "500.00")]


async def test_without_a_value_to_tell_from_nothing_is_told() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", value="1000000")
        await recompute(here)
        assert not await announce_single_threaded_clients(here.house.runtime("clients"))
        assert await here.house.sent("clients", "client.single_threaded") == []
