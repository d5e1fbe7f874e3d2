"""Departures are announced again, under their sequence: to a service that comes back from a restore, and to all others."""

from datetime import timedelta

from shared.database import bind_named
from shared.outbox.relay import PUBLISHED_RETENTION, RECEIVED_RETENTION, delete_expired
from tests.stories.actions import approve_plan, check_access, list_cases, list_owners, resign, send_hris_message
from tests.stories.company import OWNERS
from tests.stories.final_state import read_final_state
from tests.stories.three_ways import WatchedHouse

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]
RESTORED = (
    "DELETE FROM inbox",
    "DELETE FROM grounds",
    "DELETE FROM stand_ins",
    "DELETE FROM last_days",
    "UPDATE people SET frozen = false, frozen_at = NULL, stand_in_id = NULL, status = 'active', heard = 1",
)


async def execute(house: WatchedHouse, service: str, *statements: str) -> None:
    async with house.runtime(service).database.connect() as connection:
        for statement in statements:
            await connection.execute(*bind_named(statement))


async def republish(house: WatchedHouse) -> None:
    await house.ok("ops", "POST", "/staff/v1/republish")
    await house.settle()


async def test_clients_back_from_a_restore_before_the_notice_freezes_once_staff_republishes(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    house.truths = None  # a restored database knows nothing of what others acknowledged
    await execute(house, "clients", *RESTORED)
    assert await check_access(house, "anna", "c-1") == "owner"

    await republish(house)
    assert await check_access(house, "anna", "c-1") == "frozen"
    assert await list_owners(house, ANNAS) == {"ben"}
    refs = "SELECT ref FROM grounds WHERE employee_id = 'anna'"
    assert await house.rows("clients", refs) == await house.rows("orders", refs)
    assert len(await list_cases(house, "anna")) == 1

    await send_hris_message(house, "resignation.withdrawn", "anna")
    await house.settle()
    assert await check_access(house, "anna", "c-1") == "owner"


async def test_who_has_heard_of_all_departures_does_nothing_even_where_the_inbox_has_forgotten(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    await send_hris_message(house, "resignation.withdrawn", "anna")
    await house.settle()
    await resign(house, "anna", last_day=20)
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()
    await send_hris_message(house, "resignation.changed", "anna", last_day=str(house.clock.day(25)))
    await house.settle()
    for service in house.names:
        runtime = house.runtime(service)
        for table, column, how_long in (
            ("outbox", "published_at", PUBLISHED_RETENTION),
            ("inbox", "received_at", RECEIVED_RETENTION),
        ):
            before = (runtime.wall_clock() - how_long - timedelta(days=1)).isoformat()
            await execute(house, service, f"UPDATE {table} SET {column} = '{before}'")
        await delete_expired(runtime)
        assert not await house.rows(service, "SELECT 1 FROM inbox")

    kept = await house.rows("staff", "SELECT type, sequence FROM outbox ORDER BY id")
    assert [row["type"] for row in kept] == [
        "employee.resigned",
        "resignation.withdrawn",
        "employee.resigned",
        "resignation.changed",
    ]
    before = await read_final_state(house)
    await republish(house)
    after = await read_final_state(house)
    assert {of: rows for of, rows in after.items() if not of.endswith(".sent")} == {
        of: rows for of, rows in before.items() if not of.endswith(".sent")
    }
    again = await house.sent("staff")
    assert [(e.data.type, e.sequence) for e in again][-2:] == [(row["type"], row["sequence"]) for row in kept[2:]]
