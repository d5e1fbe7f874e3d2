"""What an employee used before notice: from a notice or an incident on, journaled at each look, evidence and no verdict."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.clients import Ground
from shared.people.handlers import freeze_employee
from tests.services.clients.test_usage import report, used
from tests.services.clients.town import BASE, Town, town
from tests.support.days import today

EVENING = datetime.combine(today().at.date(), time(20), ZoneInfo(today().zone))


@asynccontextmanager
async def firm(**settings: Any) -> AsyncIterator[Town]:
    """`nora` heads the north, where `anna` has c-1 and c-2; `ben` in the south has c-3. It is evening."""
    async with town(**settings) as here:
        here.house.clock.set(EVENING)
        await here.department("all", head="dora")
        await here.department("north", head="nora", parent="all")
        await here.department("south", head="sven", parent="all")
        await here.hire("nora", "anna", "carl", department_id="north")
        await here.hire("ben", department_id="south")
        for client, owner in (("c-1", "anna"), ("c-2", "anna"), ("c-3", "ben")):
            await here.client(client, owner)
        yield here


async def look(here: Town, who: Any = "director", employee: str = "anna", **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await here.house.ok(who, "GET", f"{BASE}/exposure/{employee}", params=query)
    return answer


async def refused(here: Town, who: Any = "director", employee: str = "anna") -> tuple[int, str]:
    answer = await here.house.call(who, "GET", f"{BASE}/exposure/{employee}")
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def leaves(here: Town) -> list[dict[str, Any]]:
    entries = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"]
    return [entry for entry in entries if entry["kind"] == "exposure.read"]


def counts(found: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {one["client_id"]: (one["reads"], one["exports"], one["rows"]) for one in found["items"]}


def flagged(found: dict[str, Any], flag: str) -> dict[str, int]:
    return {one["client_id"]: told["count"] for one in found["items"] for told in one["flags"] if told["flag"] == flag}


async def incident(here: Town, employee: str = "anna") -> None:
    async def freeze(work: Any) -> None:
        await freeze_employee(work, employee, f"{employee}/1", Ground(kind="incident", ref="i-1"), ["nora"])

    await here.house.runtime("clients").transact_as("offboarding", freeze)


# -- when --------------------------------------------------------------------------------------------------------------


async def test_nobody_is_looked_at_before_a_notice_or_an_incident() -> None:
    async with firm() as here:
        assert await refused(here) == (409, "nothing_happened")
        freeze = {"employee_id": "anna", "reason": "laptop stolen"}
        await here.house.ok(("ops", "olga"), "POST", f"{BASE}/access/freezes", json=freeze)
        assert await refused(here) == (409, "nothing_happened")
        await here.resign("anna", "nora")
        found = await look(here)
        assert (found["basis"], found["notice_on"]) == ("notice", here.today.isoformat())
        assert found["lookback_from"] == (here.today - timedelta(days=90)).isoformat()


async def test_an_incident_allows_to_look_without_any_notice() -> None:
    async with firm() as here:
        await incident(here)
        found = await look(here, days=10)
        assert (found["basis"], found["notice_on"], found["incident_on"]) == ("incident", None, here.today.isoformat())
        assert found["lookback_from"] == (here.today - timedelta(days=10)).isoformat()


async def test_a_notice_that_was_withdrawn_allows_nothing_any_more_and_nor_does_one_of_an_earlier_employment() -> None:
    async with firm() as here:
        await here.resign("anna", "nora")
        await here.withdraw("anna")
        assert await refused(here) == (409, "nothing_happened")
        await here.leave("ben", "nora")
        assert (await look(here, employee="ben"))["basis"] == "notice"
        await here.rehire("ben")
        assert await refused(here, employee="ben") == (409, "nothing_happened")


async def test_who_is_dismissed_after_a_withdrawn_notice_is_looked_at_from_then_on_only() -> None:
    async with firm() as here:
        await here.resign("anna", "nora")
        await here.withdraw("anna")
        here.house.clock.move(days=100)
        await here.leave("anna", "nora")
        assert (await look(here))["notice_on"] == here.today.isoformat()


async def test_an_incident_that_was_lifted_allows_nothing_any_more() -> None:
    async with firm() as here:
        said = {"employee_id": "anna", "reason": "a list was seen elsewhere", "kind": "incident"}
        await here.house.ok(("hr", "helga"), "POST", f"{BASE}/access/freezes", json=said)
        assert (await look(here))["basis"] == "incident"
        for who, status in ((("hr", "helga"), 202), (("director", "dirk"), 200)):
            lifted = await here.house.call(
                who, "DELETE", f"{BASE}/access/freezes/anna", params={"reason": "it was not"}
            )
            assert lifted.status_code == status
        assert await refused(here) == (409, "nothing_happened")


async def test_a_department_in_which_it_is_switched_off_is_left_out_with_all_below_it() -> None:
    for departments, status in (("south", 200), ("north", 409), ("east, all", 409)):
        async with firm(exposure_off=departments) as here:
            await report(here, used(here))
            await here.resign("anna", "nora")
            answer = await here.house.call("director", "GET", f"{BASE}/exposure/anna")
            assert answer.status_code == status
            if status == 409:
                assert answer.json()["type"] == "urn:holdfast:exposure_off"
                assert "items" not in answer.json()


async def test_what_was_used_of_a_client_that_was_merged_counts_with_the_other() -> None:
    async with firm() as here:
        await report(here, used(here), used(here, client="c-2", ago=2), used(here, client="c-3", ago=3))
        await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients/c-2")
        await here.house.ok("director", "POST", f"{BASE}/clients/c-2/merge", json={"into_id": "c-1"})
        await here.resign("anna", "nora")
        found = await look(here)
        assert counts(found) == {"c-1": (3, 0, 3), "c-3": (1, 0, 1)}
        assert flagged(found, "not_their_client") == {"c-3": 1}


async def test_a_client_of_ones_own_that_was_merged_into_a_colleagues_was_ones_own() -> None:
    async with firm() as here:
        await report(here, used(here, client="c-2"), used(here, "carl", client="c-2"))
        await here.house.ok("director", "POST", f"{BASE}/clients/c-2/merge", json={"into_id": "c-3"})
        for employee, strange in (("anna", {}), ("carl", {"c-3": 1})):
            await here.resign(employee, "nora")
            found = await look(here, employee=employee)
            assert counts(found) == {"c-3": (1, 0, 1)}
            assert flagged(found, "not_their_client") == strange


# -- who ---------------------------------------------------------------------------------------------------------------


async def test_who_may_look_and_that_each_look_is_in_the_journal_also_one_that_was_refused() -> None:
    async with firm() as here:
        await here.resign("anna", "nora")
        for who in ("director", "auditor", "service", ("sales_head", "nora"), ("sales_head", "dora")):
            await look(here, who)
        assert await refused(here, ("sales_head", "sven")) == (404, "not_found")
        assert await refused(here, employee="ben") == (409, "nothing_happened")
        told = await leaves(here)
        assert [(entry["employee_id"], entry["actor_id"], entry["reason"]) for entry in reversed(told)] == [
            ("anna", "director", "head"),
            ("anna", "auditor", None),
            ("anna", "service", "service"),
            ("anna", "nora", "head"),
            ("anna", "dora", "head"),
            ("anna", "sven", "no_relation"),
            ("ben", "director", "no_notice"),
        ]
        for role in ("employee", "hr", "ops"):
            assert await refused(here, role) == (403, "forbidden")
        assert await refused(here, employee="nobody") == (404, "not_found")
        assert len(await leaves(here)) == len(told)


async def test_nobody_looks_at_their_own() -> None:
    async with firm() as here:
        await here.leave("nora", "dora")
        await here.rehire("nora")
        await here.change("nora", department_id="north")
        assert await refused(here, ("director", "nora"), "nora") == (403, "own_exposure")
        assert [entry["reason"] for entry in await leaves(here)] == ["own_case"]
        await here.resign("anna", "dora")
        assert await refused(here, (["director", "employee"], "anna"), "anna") == (403, "roles_frozen")


# -- what --------------------------------------------------------------------------------------------------------------


async def test_reports_and_our_own_doors_are_counted_per_client_and_questions_apart() -> None:
    async with firm() as here:
        anna = ("employee", "anna")
        await report(
            here,
            used(here, rows=3, ago=30),
            used(here, ago=2),
            used(here, action="export", rows=40, ago=26),
            used(here, client="c-2", action="list", rows=5),
            used(here, client="c-2", action="contact"),
            used(here, employee="ben", client="c-3"),
        )
        await here.house.ok(anna, "GET", f"{BASE}/clients/c-2")
        await here.house.call(anna, "GET", f"{BASE}/export")
        for _ in range(3):
            await here.check("anna", "c-1")
        await here.check("ben", "c-1")
        checks = [{"employee_id": who, "client_id": "c-3", "action": "export"} for who in ("ben", "anna", "anna")]
        await here.house.ok("service", "POST", f"{BASE}/access/checks", json={"checks": checks})
        await here.resign("anna", "nora")
        found = await look(here)
        assert counts(found) == {"c-1": (2, 2, 45), "c-2": (1, 1, 7)}
        assert found["totals"] == {"clients": 2, "reads": 3, "exports": 3, "rows": 52}
        assert found["decisions"] == {"asked": 5, "allowed": 3}
        assert flagged(found, "export") == {"c-1": 2, "c-2": 1}
        last = datetime.fromisoformat(found["items"][0]["last_at"])
        assert here.house.clock() - last < timedelta(minutes=1)


async def test_it_goes_back_as_many_days_as_asked_for_before_the_notice_and_includes_what_came_after() -> None:
    async with firm() as here:
        await report(here, *(used(here, ago=24 * days) for days in (9, 11, 200)))
        await here.resign("anna", "nora")
        here.house.clock.move(days=40)
        await report(here, used(here, action="export"))
        assert counts(await look(here, days=10)) == {"c-1": (1, 1, 2)}
        assert counts(await look(here, days=180)) == {"c-1": (2, 1, 3)}
        for days in (0, 181):
            answer = await here.house.call("director", "GET", f"{BASE}/exposure/anna?days={days}")
            assert answer.status_code == 422


async def test_clients_come_in_order_and_page_by_page() -> None:
    async with firm() as here:
        for number in range(4, 24):
            await here.client(f"c-{number:02}", "anna")
        uses = [used(here, client=f"c-{number:02}", rows=number % 5 + 1) for number in range(4, 24)]
        uses += [used(here, client=f"c-{number:02}", action="export", rows=1) for number in range(8, 12)]
        await report(here, *uses)
        await here.resign("anna", "nora")
        whole = await look(here)
        keys = [(-one["exports"], -one["rows"], one["client_id"]) for one in whole["items"]]
        assert keys == sorted(keys)
        assert len(keys) == 20
        pages, cursor = list[Any](), None
        while True:
            part = await look(here, limit=3, **({"cursor": cursor} if cursor else {}))
            assert part["totals"] == whole["totals"]
            pages += part["items"]
            cursor = part["next_cursor"]
            if cursor is None:
                break
        assert pages == whole["items"]


async def test_since_when_each_system_reports_is_said_and_which_are_silent() -> None:
    async with firm() as here:
        await report(
            here,
            used(here, employee="ben", client="c-3", system="mail", ago=24 * 100),
            used(here, employee="ben", client="c-3", system="phone", ago=24 * 150),
            used(here, employee="ben", client="c-3", system="phone", ago=24),
        )
        await here.resign("anna", "nora")
        found = await look(here)
        assert found["items"] == []
        assert found["totals"] == {"clients": 0, "reads": 0, "exports": 0, "rows": 0}
        assert [(one["system"], one["silent"]) for one in found["reporting"]] == [("mail", True), ("phone", False)]
        since = datetime.fromisoformat(found["reporting"][1]["since"])
        assert (here.house.clock() - since).days == 150


async def test_what_is_kept_of_clients_that_were_theirs_at_the_time_is_not_flagged_and_the_rest_is() -> None:
    async with firm() as here:
        await report(here, used(here, client="c-3", ago=48), used(here, client="c-3", ago=47), used(here, ago=48))
        await here.client("c-4", "ben", team={"delivery": "anna"})
        await report(here, used(here, client="c-4"))
        here.house.clock.move(hours=1)
        await here.transfer(("c-3", "ben", "anna"))
        await here.transfer(("c-2", "anna", "carl"))
        here.house.clock.move(hours=10)
        await report(here, used(here, client="c-3"), used(here, client="c-2"), used(here, client="c-2", ago=10.5))
        await here.resign("anna", "nora")
        assert flagged(await look(here), "not_their_client") == {"c-2": 1, "c-3": 2}


async def test_a_caretaker_and_a_head_may_use_what_is_in_their_hands() -> None:
    async with firm() as here:
        await report(here, used(here, "carl", ago=5), used(here, "nora", ago=5))
        await here.resign("anna", "carl")
        here.house.clock.move(hours=3)
        await report(here, used(here, "carl", "c-1"), used(here, "carl", "c-3"))
        here.house.clock.move(hours=3)
        await here.resign("carl", "nora")
        assert flagged(await look(here, employee="carl"), "not_their_client") == {"c-1": 1, "c-3": 1}
        await here.resign("nora", "dora")
        assert flagged(await look(here, employee="nora"), "not_their_client") == {}


async def test_a_day_and_hours_unlike_their_own_habit_are_shown_with_what_they_were_compared_with() -> None:
    async with firm(timezone="Europe/Berlin") as here:

        def at(days: int, hour: int, **said: Any) -> dict[str, Any]:
            """So many days ago in this hour of Berlin."""
            day = EVENING.date() - timedelta(days=days)
            moment = datetime.combine(day, time(hour, 30), ZoneInfo("Europe/Berlin"))
            return used(here, **said) | {"at": moment.isoformat()}

        habit = [at(days, 9, rows=60 + days % 3, id=f"h-{days}") for days in range(91, 161)]
        await report(here, *habit, at(7, 9, rows=800), at(8, 9, rows=61), at(8, 3, client="c-2", rows=4))
        await here.resign("anna", "nora")
        found = await look(here)
        unusual = found["unusual"]
        assert (unusual["unknown"], unusual["earlier_days"]) == (None, 70)
        off, bulk = sorted(unusual["evidence"], key=lambda one: one["flag"], reverse=True)
        day = (EVENING - timedelta(days=7)).date()
        assert (bulk["flag"], bulk["day"], bulk["count"], bulk["median"]) == ("bulk_read", day.isoformat(), 800, 61)
        assert 61 < bulk["threshold"] < 100
        assert bulk["earlier_days"] == 10
        assert (off["flag"], off["count"], off["earlier_days"]) == ("off_hours", 4, 70)
        assert off["hours"] == [3]
        assert (flagged(found, "bulk_read"), flagged(found, "off_hours")) == ({"c-1": 800}, {"c-2": 4})


async def test_without_20_earlier_days_it_is_said_that_habit_is_unknown() -> None:
    async with firm() as here:
        await report(here, *(used(here, ago=24 * days) for days in range(91, 110)), used(here, rows=9_000))
        await here.resign("anna", "nora")
        unusual = (await look(here))["unusual"]
        assert unusual["earlier_days"] == 19
        assert unusual["evidence"] == []
        assert unusual["unknown"] == "fewer than 20 earlier days on which anything was used"


async def test_the_description_of_the_flags_says_that_they_are_no_verdict() -> None:
    async with town() as here:
        schemas = (await here.house.call(None, "GET", "/clients/openapi.json")).json()["components"]["schemas"]
        for name in ("Evidence", "ClientFlag"):
            assert "never a verdict" in " ".join(schemas[name]["description"].split())


@pytest.mark.parametrize("after", ['["a","1","c"]', '["1","1"]', '["1"]', '["-1","1","c"]'])
async def test_a_cursor_of_another_list_is_refused(after: str) -> None:
    import base64

    async with firm() as here:
        await here.resign("anna", "nora")
        cursor = base64.urlsafe_b64encode(after.encode()).decode()
        answer = await here.house.call("director", "GET", f"{BASE}/exposure/anna?cursor={cursor}")
        assert answer.status_code == 422
