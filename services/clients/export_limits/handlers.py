"""Exports beyond the limit: granted by a second person for a day, announced when it is reached."""

from datetime import date

from services.clients.access.handlers import OwnAffair, lock_people_and_require_active_actor
from services.clients.export_limits import store
from services.clients.journal.store import insert_journal_entry
from shared.database import UnitOfWork
from shared.errors import Forbidden, IdTaken, NotFound, Unprocessable
from shared.ids import uuid7
from shared.people.rules import NotEmployed, UnknownEmployee
from shared.people.store import is_headed_by_actor
from shared.service import Runtime


class DayIsOver(Unprocessable, code="day_is_over"):
    """This day is over. Exports are granted for today or a day to come."""


async def grant_export(
    work: UnitOfWork,
    roles: frozenset[str],
    id: str | None,
    employee_id: str,
    client_count: int | None,
    reason: str,
    on: date | None,
) -> store.ExportGrant:
    """Lets somebody else export so many clients more on one day; the same again gives the same answer.

    Raises `OwnAffair`, `UnknownEmployee`, `NotEmployed`, `Forbidden`, `DayIsOver`, `IdTaken`.
    """
    if employee_id == work.actor:
        raise OwnAffair
    person = (await lock_people_and_require_active_actor(work, for_share=[employee_id])).get(employee_id)
    if person is None:
        raise UnknownEmployee
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, employee_id):
        raise Forbidden
    if person.status == "left":
        raise NotEmployed
    day, grant_id = on or work.today, id or uuid7()
    if day < work.today:
        raise DayIsOver
    if await store.insert_export_grant(work, grant_id, employee_id, day, client_count, reason):
        details = {"grant_id": grant_id, "on": day.isoformat(), "clients": client_count}
        await insert_journal_entry(work, "export.granted", employee_id=employee_id, action="export", details=details)
    grant = await store.get_export_grant(work, grant_id)
    if grant is None or (grant.employee_id, grant.on, grant.clients, grant.reason) != (
        *(employee_id, day, client_count, reason),
    ):
        raise IdTaken
    return grant


async def withdraw_export_grant(work: UnitOfWork, grant_id: str, roles: frozenset[str]) -> None:
    """Ends a grant; what was exported stays counted. Again does nothing. Raises `NotFound`, `OwnAffair`."""
    grant = await store.get_export_grant(work, grant_id)
    if grant is None:
        raise NotFound
    if grant.employee_id == work.actor:
        raise OwnAffair
    await lock_people_and_require_active_actor(work, for_share=[grant.employee_id])
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, grant.employee_id):
        raise NotFound
    if await store.update_export_grant_withdrawn(work, grant_id):
        await insert_journal_entry(
            work,
            "export.grant_withdrawn",
            employee_id=grant.employee_id,
            action="export",
            details={"grant_id": grant_id},
        )


# -- by the clock ------------------------------------------------------------------------------------------------------


async def announce_reached_limits(runtime: Runtime) -> bool:
    """Publishes who reached the limit; True if there may be more."""
    return await runtime.transact(_announce_reached_limits) == store.ANNOUNCED_AT_ONCE


async def _announce_reached_limits(work: UnitOfWork) -> int:
    reached = await store.update_limits_as_announced(work)
    work.publish(*reached)
    return len(reached)


async def delete_old_export_counts(runtime: Runtime) -> bool:
    """Deletes what was counted on days of before; True if there may be more."""
    return await runtime.transact(store.delete_old_export_counts) == store.DELETE_BATCH_SIZE
