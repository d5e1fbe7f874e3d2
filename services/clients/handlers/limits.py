"""Exports beyond the limit: granted by a second person for a day, told of when it is reached."""

from collections.abc import Mapping
from typing import Any

from services.clients.handlers.acting import OwnAffair, lock_with_actor
from services.clients.store import freezes, journal, limits
from shared.contracts.clients import AccessLimitReached
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, NotFound, Unprocessable
from shared.ids import uuid7
from shared.people.rules import NotEmployed, UnknownEmployee
from shared.service import Runtime

SAID = ("employee_id", "clients", "reason")


class DayIsOver(Unprocessable, code="day_is_over"):
    """This day is over. Exports are granted for today or a day to come."""


async def grant(work: UnitOfWork, data: Mapping[str, Any], roles: frozenset[str]) -> Mapping[str, Any]:
    """Lets somebody else export more on one day; the same again gives the same answer.

    Raises `OwnAffair`, `UnknownEmployee`, `NotEmployed`, `Forbidden`, `DayIsOver`, `Exists`.
    """
    employee_id = data["employee_id"]
    if employee_id == work.actor:
        raise OwnAffair
    rows = await lock_with_actor(work, holding=[employee_id])
    person = rows.get(employee_id)
    if person is None:
        raise UnknownEmployee
    if not roles & {"hr", "director"} and not await freezes.heads(work, employee_id):
        raise Forbidden
    if person.status == "left":
        raise NotEmployed
    day = data["on"] or work.today
    if day < work.today:
        raise DayIsOver
    grant_id = data["id"] or uuid7()
    if await limits.grant(work, grant_id, employee_id, day, data["clients"], data["reason"]):
        details = {"grant_id": grant_id, "on": day.isoformat(), "clients": data["clients"]}
        await journal.write(work, "export.granted", employee_id=employee_id, action="export", details=details)
    known = await limits.one(work, grant_id)
    if known is None or known["on"] != day or any(known[name] != data[name] for name in SAID):
        raise Exists
    return known


async def withdraw(work: UnitOfWork, grant_id: str, roles: frozenset[str]) -> None:
    """Ends a grant; what was exported stays counted. Again does nothing. Raises `NotFound`, `OwnAffair`."""
    known = await limits.one(work, grant_id)
    if known is None:
        raise NotFound
    if known["employee_id"] == work.actor:
        raise OwnAffair
    await lock_with_actor(work, holding=[known["employee_id"]])
    if not roles & {"hr", "director"} and not await freezes.heads(work, known["employee_id"]):
        raise NotFound
    if await limits.withdraw(work, grant_id):
        await journal.write(
            work,
            "export.grant_withdrawn",
            employee_id=known["employee_id"],
            action="export",
            details={"grant_id": grant_id},
        )


# -- by the clock ------------------------------------------------------------------------------------------------------


async def tell_reached(runtime: Runtime) -> bool:
    """Publishes who reached the limit; True if there may be more."""
    return await runtime.transact(_tell) == limits.TOLD_AT_ONCE


async def _tell(work: UnitOfWork) -> int:
    reached = await limits.untold(work)
    work.publish(*(AccessLimitReached(**row) for row in reached))
    return len(reached)


async def forget_exported(runtime: Runtime) -> bool:
    """Deletes what was counted on days of before; True if there may be more."""
    return await runtime.transact(limits.forget) == limits.BATCH
