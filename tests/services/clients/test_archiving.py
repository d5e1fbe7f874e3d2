"""The journal of long ago goes to files that prove themselves, unless somebody is held; and what happens without room."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.clients.archive.handlers import _export_month, archive_oldest_month
from services.clients.journal.handlers import append_pending_entries, update_journal_space_flag
from services.clients.journal.store import get_partition_name
from services.clients.proofs.handlers import create_checkpoint_if_grown
from services.clients.proofs.rules.verification import verify_export
from shared.advisory_locks import AdvisoryLock
from shared.contracts.clients import FreezeAccess
from shared.contracts.staff import EmployeeErased
from tests.services.clients.town import BASE, Town, town

KEEP = 2


def archived(folder: Path) -> list[bytes]:
    """What the files hold, oldest first; there is nothing else in the folder."""
    files = sorted(folder.iterdir())
    assert all(file.suffix == ".ndjson" for file in files)
    return [file.read_bytes() for file in files]


def leaf_lines(exported: bytes) -> list[bytes]:
    return [line for line in exported.splitlines() if line.startswith(b'{"leaf":')]


async def months(here: Town, count: int = 4) -> None:
    """A check by anna in each of so many months, appended and with a checkpoint; the clock stands in the last of them."""
    runtime = here.house.runtime("clients")
    await here.client("c-1", "anna")
    for month in range(count):
        await here.check("anna", "c-1")
        await append_pending_entries(runtime)
        await create_checkpoint_if_grown(runtime)
        if month < count - 1:
            here.house.clock.move(months=1)


async def archive(here: Town) -> int:
    """How many months went."""
    gone = 0
    while await archive_oldest_month(here.house.runtime("clients")):
        gone += 1
    return gone


async def left(here: Town) -> list[bool]:
    """Of each month whether it is still here."""
    rows = await here.house.rows("clients", "SELECT archived_at FROM journal_months ORDER BY month")
    return [row["archived_at"] is None for row in rows]


async def test_months_that_are_old_enough_are_exported_verified_and_dropped(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 5)
        key = (await here.house.ok("auditor", "GET", f"{BASE}/journal/key"))["key"]
        before = leaf_lines((await here.house.call("auditor", "GET", f"{BASE}/journal/export")).content)
        assert await archive(here) == 2
        assert await left(here) == [False, False, True, True, True]
        files = archived(tmp_path)
        assert all(verify_export(file.splitlines(keepends=True), key, []).good for file in files)
        kept = [line for file in files for line in leaf_lines(file)]
        assert kept
        assert kept == before[: len(kept)]
        entry = (await here.house.ok("auditor", "GET", f"{BASE}/journal"))["items"][0]
        assert entry["kind"] == "journal.archived"


async def test_what_is_left_is_exported_from_where_it_begins_and_proofs_go_on(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 4)
        outside = (await here.house.ok("auditor", "GET", f"{BASE}/journal/checkpoint"))["note"]
        assert await archive(here) == 1
        await here.house.settle()
        exported = await here.house.call("auditor", "GET", f"{BASE}/journal/export")
        first = json.loads(exported.content.splitlines()[0])
        assert first["from"] > 0
        key = (await here.house.ok("auditor", "GET", f"{BASE}/journal/key"))["key"]
        assert verify_export(exported.content.splitlines(keepends=True), key, [outside]).good
        gone = await here.house.call("auditor", "GET", f"{BASE}/journal/export?from=0")
        assert (gone.status_code, gone.json()["reason"]) == (409, "not_kept")
        size = (await here.house.ok("auditor", "GET", f"{BASE}/journal/checkpoint"))["size"]
        await here.house.ok("auditor", "GET", f"{BASE}/journal/proofs/consistency?from=1&to={size}")


async def test_archiving_again_after_a_crash_before_the_drop_changes_nothing(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        file = tmp_path / f"{get_partition_name(here.house.clock().date())}.ndjson"
        await months(here, 4)
        await _export_month(here.house.runtime("clients"), 0, 2, file)  # what was there when it crashed
        assert await archive(here) == 1
        assert await archive(here) == 0
        assert await left(here) == [False, True, True, True]


async def test_a_month_whose_file_does_not_verify_stays_and_raises_the_alarm(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 4)
        runtime = here.house.runtime("clients")
        async with runtime.database.connect() as connection:
            await connection.execute("UPDATE journal SET reason = 'frozen' WHERE index = 1")
        assert await archive(here) == 0
        assert await left(here) == [True] * 4
        assert archived(tmp_path) == []
        alarm = runtime.metrics.alarm.labels("clients", "journal_archive")
        assert alarm._value.get() == 1
        alarm.set(0)


async def test_a_folder_that_cannot_be_written_raises_the_alarm_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.write_text("a file")
    async with town("anna", journal_keep=KEEP, journal_archive=folder) as here:
        await months(here, 4)
        runtime = here.house.runtime("clients")
        alarm = runtime.metrics.alarm.labels("clients", "journal_archive")
        with pytest.raises(FileExistsError):
            await archive_oldest_month(runtime)
        assert alarm._value.get() == 1
        folder.unlink()
        folder.mkdir()
        (folder / "journal_2026_01.ndjson.other.part").write_bytes(b"left by a crash")
        assert await archive(here) == 1
        assert alarm._value.get() == 0


async def test_one_replica_archives_at_a_time(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 4)
        runtime = here.house.runtime("clients")
        async with runtime.database.connect() as other:
            await other.execute(f"SELECT pg_advisory_lock({AdvisoryLock.ARCHIVE})")
            assert await archive(here) == 0
            await other.execute(f"SELECT pg_advisory_unlock({AdvisoryLock.ARCHIVE})")
        assert await archive(here) == 1


async def test_for_ever_is_for_ever(tmp_path: Path) -> None:
    async with town("anna", journal_keep=0, journal_archive=tmp_path) as here:
        await months(here, 4)
        assert await archive(here) == 0


# -- holds -------------------------------------------------------------------------------------------------------------

HOLDS = f"{BASE}/journal/holds"


async def hold(here: Town, who: Any = ("hr", "helga"), employee: str = "anna") -> Any:
    return await here.house.call(who, "POST", HOLDS, json={"employee_id": employee, "reason": "case 7 O 12/26"})


async def test_no_month_with_somebody_who_is_held_goes_and_none_after_it(tmp_path: Path) -> None:
    async with town("anna", "ben", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 4)
        assert (await hold(here)).status_code == 201
        assert (await hold(here)).status_code == 201
        assert await archive(here) == 0
        assert [one["employee_id"] for one in (await here.house.ok("auditor", "GET", HOLDS))["items"]] == ["anna"]
        assert (await here.house.call(("director", "dora"), "DELETE", f"{HOLDS}/anna")).status_code == 204
        assert (await here.house.call(("director", "dora"), "DELETE", f"{HOLDS}/anna")).status_code == 404
        assert await archive(here) == 1


async def test_nobody_holds_themselves_or_somebody_unknown_or_erased() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        assert (await hold(here, ("hr", "anna"))).status_code == 403
        assert (await hold(here, employee="nobody")).status_code == 422
        await here.leave("anna", "ben")
        await here.deliver(EmployeeErased(status="left", **here.people["anna"]))
        assert (await hold(here)).status_code == 409


async def test_a_hold_keeps_who_an_erased_employee_is_in_the_journal_until_it_ends() -> None:
    async with town("anna", "ben") as here:
        await here.client("c-1", "anna")
        await here.check("anna", "c-1")
        await hold(here)
        await here.leave("anna", "ben")
        await here.deliver(EmployeeErased(status="left", **here.people["anna"]))
        named = "SELECT count(*) FROM surrogates WHERE kind = 'employee' AND id = 'anna'"
        await here.house.settle()
        assert await here.house.scalar("clients", named) == 1
        assert [event.data.held for event in await here.house.sent("clients", "erasure.done")] == [True]
        assert (await here.house.call(("hr", "helga"), "DELETE", f"{HOLDS}/anna")).status_code == 204
        await here.house.settle()
        assert await here.house.scalar("clients", named) == 0
        assert [event.data.held for event in await here.house.sent("clients", "erasure.done")] == [True, False]


async def test_a_client_of_somebody_who_is_held_is_not_erased() -> None:
    async with town("anna") as here:
        await here.client("c-1", "anna")
        await hold(here)
        answer = await here.house.call("director", "POST", f"{BASE}/clients/c-1/erase", json={"reason": "asked"})
        assert (answer.status_code, answer.json()["reason"]) == (409, "held_by_law")


async def test_a_hold_that_is_placed_while_a_month_is_being_dropped_keeps_it(tmp_path: Path) -> None:
    async with town("anna", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await months(here, 4)
        runtime = here.house.runtime("clients")
        async with runtime.database.connect() as placing:
            transaction = placing.transaction()
            await transaction.start()
            await placing.execute(
                "INSERT INTO journal_holds (employee_id, reason, by_id, at) VALUES ('anna', 'case 7', 'helga', $1)",
                here.house.clock(),
            )
            dropping = asyncio.create_task(archive(here))
            while not await here.house.scalar("clients", "SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not dropping.done()
            await transaction.commit()
        assert await dropping == 0
        assert await left(here) == [True] * 4


async def test_a_hold_also_finds_who_stands_in_the_details_of_an_entry(tmp_path: Path) -> None:
    async with town("anna", "ben", journal_keep=KEEP, journal_archive=tmp_path) as here:
        await here.client("c-0", "anna")
        frozen = {"employee_id": "anna", "reason": "laptop stolen"}
        await here.change("anna", deputy_id="ben")
        await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json=frozen)
        for who in ("hr", "director"):
            await here.house.call(who, "DELETE", f"{BASE}/access/freezes/anna?reason=found")
        await months(here, 4)
        assert (await hold(here, employee="ben")).status_code == 201
        assert await archive(here) == 0


# -- room --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"disk_reserve": 1 << 60}, {"database_limit": 1}])
async def test_without_room_decisions_are_refused_and_freezes_passes_and_transfers_go_on(
    settings: dict[str, int],
) -> None:
    async with town("anna", "ben", "carl", **settings) as here:
        await here.client("c-1", "anna")
        await here.client("c-2", "carl")
        await update_journal_space_flag(here.house.runtime("clients"))
        one = {"employee_id": "anna", "client_id": "c-1", "action": "read"}
        who = ("employee", "anna")
        for answer in (
            await here.house.call("service", "POST", f"{BASE}/access/check", json=one),
            await here.house.call("service", "POST", f"{BASE}/access/checks", json={"checks": [one]}),
            await here.house.call("service", "GET", f"{BASE}/access/clients?employee_id=anna"),
            await here.house.call("service", "GET", f"{BASE}/access/employees?client_id=c-1"),
            *[await here.house.call(who, "GET", f"{BASE}/{path}") for path in ("clients", "clients/c-1", "export")],
            await here.house.call(who, "PATCH", f"{BASE}/clients/c-1", json={"name": "N"}),
        ):
            assert (answer.status_code, answer.json()["reason"]) == (503, "no_room_for_the_journal")
        freeze = {"employee_id": "ben", "reason": "laptop stolen"}
        await here.house.ok("hr", "POST", f"{BASE}/access/freezes", json=freeze)
        ref = await here.resign("anna", "carl")
        command = {"command_id": "k/1", "case_id": "k", "epoch": 1, "employee_id": "anna", "employment_id": "anna/1"}
        await here.deliver(FreezeAccess(ref=ref, caretakers=["carl"], **command), source="offboarding")
        now = here.house.clock()
        given = {"from": now.isoformat(), "until": (now + timedelta(hours=1)).isoformat(), "purpose": "introduction"}
        await here.house.ok(
            "hr", "POST", f"{BASE}/access/passes", json={"employee_id": "anna", "client_id": "c-1", **given}
        )
        assert await here.transfer(("c-2", "carl", "carl")) == ["done"]
        assert (await here.house.ok("hr", "GET", f"{BASE}/access/freezes"))["items"]
        alarm = here.house.runtime("clients").metrics.alarm.labels("clients", "disk")
        assert alarm._value.get() == 1
        alarm.set(0)
