"""Who sees what of a handover: those who do something in it, and nobody any longer who is frozen or has left."""

from typing import Any

from tests.services.offboarding.company import (
    HEAD,
    approve,
    case_of,
    company,
    introduce,
    leave,
    listed,
    resign,
    waits,
)

OTTO = ("employee", "otto")
TO_OTTO = [{"client_id": f"c-{number}", "to_id": "otto"} for number in (1, 2, 3, 4)]


async def test_a_successor_who_leaves_later_sees_nothing_more_of_what_they_took_over() -> None:
    async with company() as house:
        case = await approve(house, await resign(house), edits=TO_OTTO)
        await introduce(house, case)
        path = f"cases/{case['id']}/introductions"
        assert len(await listed(house, path, OTTO)) == 4
        await resign(house, "otto")
        for gone in (False, True):
            if gone:
                await leave(house, "otto")
            assert (await house.call(OTTO, "GET", f"/offboarding/v1/{path}")).status_code == 404
            assert (await house.call(OTTO, "GET", f"/offboarding/v1/cases/{case['id']}/documents")).status_code == 404
            assert await listed(house, "visits", OTTO) == []
            assert await listed(house, "followups", OTTO) == []
            assert {one["case_id"] for one in await listed(house, "tasks", OTTO)} <= {
                (await case_of(house, "otto"))["id"]
            }


async def test_a_receiver_finds_what_they_must_sign_and_the_case_waits_for_them() -> None:
    async with company() as house:
        case = await resign(house)
        nora, hanna = ("employee", "nora"), ("employee", "hanna")
        document = {"id": "d-1", "title": "Price list", "kind": "file", "location": "shelf"}
        await house.ok(nora, "POST", f"/offboarding/v1/cases/{case['id']}/documents", json=document)
        await house.ok(nora, "POST", "/offboarding/v1/documents/d-1/hand_over", json={})
        assert [one["id"] for one in await listed(house, f"cases/{case['id']}/documents", hanna)] == ["d-1"]
        assert ("documents_to_sign", "hanna") in waits(await case_of(house))
        await house.ok(hanna, "POST", "/offboarding/v1/documents/d-1/receive")
        assert ("documents_to_sign", "hanna") not in waits(await case_of(house))


async def test_hr_sees_visits_without_what_they_say_of_clients() -> None:
    async with company() as house:
        await resign(house)
        [visit, *_] = await listed(house, "visits")
        said = {"outcome": "kept", "note": "They stay for another year."}
        await house.ok(HEAD, "POST", f"/offboarding/v1/visits/{visit['id']}/outcome", json=said)

        def shown(rows: list[dict[str, Any]]) -> tuple[Any, Any]:
            return next((row["why"], row["note"]) for row in rows if row["id"] == visit["id"])

        assert shown(await listed(house, "visits")) == (visit["why"], said["note"])
        assert shown(await listed(house, "visits", "hr")) == ([], None)
        assert await listed(house, "followups", "hr") == []
