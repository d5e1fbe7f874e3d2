"""Who of us knows whom, one client at a time: as of now, and only for whom it concerns."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from services.clients.relationships.rules import get_year_before
from tests.services.clients.town import BASE, Town, town


async def meet(
    here: Town, client: str, employee: str, kind: str = "meeting", *, at: datetime | None = None, **more: Any
) -> None:
    moment = (at or here.house.clock() - timedelta(days=1)).isoformat()
    body = {"employee_id": employee, "kind": kind, "at": moment, **more}
    await here.house.ok("service", "POST", f"{BASE}/clients/{client}/interactions", json=body)


async def knowledge(here: Town, client: str = "c-1", who: Any = "director") -> dict[str, Any]:
    found: dict[str, Any] = await here.house.ok(who, "GET", f"{BASE}/clients/{client}/knowledge")
    return found


async def kinds(here: Town) -> list[str]:
    return [row["kind"] for row in await here.house.rows("clients", "SELECT kind FROM journal_entries ORDER BY id")]


async def test_who_knows_a_client_and_how_well_is_told_as_of_now() -> None:
    async with town("anna", "ben", "carl") as here:
        await here.client("c-1", "anna")
        for employee, kind in (("anna", "mail"), ("ben", "meeting"), ("ben", "call"), ("ben", "mail")):
            await meet(here, "c-1", employee, kind)
        found = await knowledge(here)
        shown = [(one["employee_id"], one["score"], one["knows"], one["stays"]) for one in found["known_by"]]
        assert shown == [("ben", 1.6, True, True), ("anna", 0.1, False, True)]
        assert [found["known_by"][0][kind] for kind in ("meetings", "calls", "mails")] == [1, 1, 1]
        named = {name: found[name] for name in ("client_id", "count", "strongest_id", "alone_id", "why")}
        assert named == {
            "client_id": "c-1",
            "count": 1,
            "strongest_id": "ben",
            "alone_id": "ben",
            "why": "known_by_one",
        }
        await meet(here, "c-1", "anna")
        found = await knowledge(here)
        assert (found["count"], found["strongest_id"], found["alone_id"], found["why"]) == (2, "ben", None, None)


async def test_meetings_count_for_twelve_months_and_not_before_they_took_place() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        edge = get_year_before(here.house.clock())
        for number, at in enumerate((edge, edge + timedelta(hours=1), here.house.clock() + timedelta(hours=1))):
            await meet(here, "c-1", "anna", at=at, id=f"i-{number}")
        (known,) = (await knowledge(here))["known_by"]
        assert (known["meetings"], known["last_at"][:13]) == (1, (edge + timedelta(hours=1)).isoformat()[:13])
        here.house.clock.move(hours=2)
        (known,) = (await knowledge(here))["known_by"]
        assert known["meetings"] == 1  # the one has become too old, the other has taken place


async def test_who_resigned_or_left_no_longer_counts_and_a_freeze_shows_at_once() -> None:
    async with town("anna", "ben", "carl", "dora") as here:
        await here.client("c-1", "anna")
        for employee in ("anna", "ben", "carl"):
            await meet(here, "c-1", employee)
        assert (await knowledge(here))["count"] == 3
        await here.leave("carl")
        assert (await knowledge(here))["count"] == 2
        await here.resign("anna", "dora")
        found = await knowledge(here)
        assert (found["count"], found["alone_id"], found["why"]) == (1, "ben", "known_by_one")
        await here.resign("ben", "dora")
        found = await knowledge(here)
        assert (found["count"], found["alone_id"], found["why"]) == (0, "anna", "only_leaving")
        await here.leave("anna", "dora")
        await here.leave("ben", "dora")
        found = await knowledge(here)
        assert (found["count"], found["alone_id"], found["why"]) == (1, "dora", "owner_alone")


async def test_a_look_at_who_knows_a_client_is_a_decision_and_refused_to_strangers() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        for path in ("knowledge", "interactions", "feedback"):
            before = len(await kinds(here))
            answer = await here.house.call(("employee", "ben"), "GET", f"{BASE}/clients/c-1/{path}")
            assert answer.status_code == 404
            await here.house.ok(("employee", "anna"), "GET", f"{BASE}/clients/c-1/{path}")
            assert (await kinds(here))[before:] == ["client.accessed"] * 2
            assert (await here.house.call("director", "GET", f"{BASE}/clients/c-9/{path}")).status_code == 404
            assert (await here.house.call("hr", "GET", f"{BASE}/clients/c-1/{path}")).status_code == 403
        await here.resign("anna", "ben")
        for path in ("knowledge", "interactions", "feedback"):
            answer = await here.house.call(("employee", "anna"), "GET", f"{BASE}/clients/c-1/{path}")
            assert answer.status_code == 403


async def test_what_was_noted_is_read_page_by_page_newest_first() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "anna")
        same = here.house.clock() - timedelta(days=3)
        for number in range(5):
            at = same if number < 3 else same + timedelta(days=number)
            await meet(here, "c-1", "anna", id=f"i-{number}", at=at, summary="spring")
            body = {"id": f"f-{number}", "score": number, "at": at.isoformat()}
            await here.house.ok("service", "POST", f"{BASE}/clients/c-1/feedback", json=body)
        await meet(here, "c-2", "anna")
        for path, letter in (("interactions", "i"), ("feedback", "f")):
            seen, cursor = [], None
            while True:
                params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
                found = await here.house.ok("service", "GET", f"{BASE}/clients/c-1/{path}", params=params)
                seen += [one["id"] for one in found["items"]]
                cursor = found["next_cursor"]
                if cursor is None:
                    break
            assert seen == [f"{letter}-{number}" for number in (4, 3, 2, 1, 0)]


async def test_plans_are_told_how_well_who_knows_a_client_by_the_same_score() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        for employee, kind in (("anna", "mail"), ("anna", "meeting"), ("ben", "call")):
            await meet(here, "c-1", employee, kind)
        (line,) = (await here.house.call("service", "GET", f"{BASE}/portfolio?employee_id=anna")).text.splitlines()
        assert json.loads(line)["scores"] == {"anna": 1.1, "ben": 0.5}
        assert [one["score"] for one in (await knowledge(here))["known_by"]] == [1.1, 0.5]


async def test_a_client_is_found_by_what_another_system_calls_it() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna", external_ids={"crm": "4711"})
        await meet(here, "c-1", "anna")
        assert (await knowledge(here, "crm~4711"))["client_id"] == "c-1"
        found = await here.house.ok("service", "GET", f"{BASE}/clients/crm~4711/interactions")
        assert [one["client_id"] for one in found["items"]] == ["c-1"]


async def test_a_foreign_cursor_is_refused() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        for key in (
            ["a"],
            ["a", "b"],
            ["2026-01-01T00:00:00", "b"],
            ["0001-01-01T00:00:00+14:00", "b"],
            ["2026-01-01T00:00:00+00:00", "b", "c"],
        ):
            for path in ("clients/c-1/interactions", "clients/c-1/feedback", "risk/clients"):
                params = {"cursor": _cursor(key)}
                answer = await here.house.call("director", "GET", f"{BASE}/{path}", params=params)
                assert answer.status_code == 422, (key, path)


def _cursor(key: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
