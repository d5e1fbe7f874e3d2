"""Passes, granted and withdrawn by hand or by a case."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.access.handlers import OwnAffair, lock_with_actor
from services.clients.access.store.actor import is_headed_by_actor
from services.clients.journal.store.entries import insert_journal_entry
from services.clients.names.store import get_client_id, list_client_ids_by_ref
from services.clients.passes import rules, store
from shared.contracts.clients import GrantPasses, PassGranted, PassWithdrawn, Result
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, NotFound, Refused, Unprocessable
from shared.ids import uuid7
from shared.messages import Envelope
from shared.people.rules import Person, UnknownEmployee
from shared.people.store import lock_people


class PassEndsBeforeItBegins(Unprocessable, code="wrong_order"):
    """A pass must end after it begins."""


class PassInThePast(Unprocessable, code="in_the_past"):
    """This pass would have ended already."""


class PassTooLong(Unprocessable, code="too_long"):
    """A pass for an introduction lasts at most 24 hours, a pass for work until the last working day."""


class PersonNotFrozen(Refused, code="person_not_frozen"):
    """Only somebody who is frozen needs a pass."""


class NoLastWorkingDay(Refused, code="no_last_day"):
    """A pass for work lasts until the last working day, and none is announced. Give one for an introduction."""


class NotTheirClient(Refused, code="not_their_client"):
    """This client is not, and was not at the freeze, one of this person's."""


class UnknownClient(Unprocessable, code="unknown_client"):
    """No client with this id is known."""


COMPARED_FIELDS = ("client_id", "purpose", "from_time", "until_time")

PASS_FAULT_ERRORS: Mapping[str, type[Refused] | type[Unprocessable]] = {
    "wrong_order": PassEndsBeforeItBegins,
    "in_the_past": PassInThePast,
    "too_long": PassTooLong,
    "not_frozen": PersonNotFrozen,
    "no_last_day": NoLastWorkingDay,
    "not_their_client": NotTheirClient,
    "unknown_client": UnknownClient,
}


async def _find_pass_faults(work: UnitOfWork, person: Person, wanted: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """For each wanted pass why it cannot be given, if so. The person was locked before."""
    employee_id = person.employee_id
    theirs = await store.list_own_clients(work, employee_id, [item["client_id"] for item in wanted])
    last_day = await store.get_last_day(work, employee_id)
    ends = rules.get_end_of_day(last_day, work.settings.timezone) if last_day else None

    def fault(item: Mapping[str, Any]) -> str | None:
        if item["client_id"] not in theirs:
            return "unknown_client"
        return rules.find_pass_fault(
            item["purpose"],
            item["from_time"],
            item["until_time"],
            work.now,
            frozen=person.frozen and person.status != "left",
            theirs=theirs[item["client_id"]],
            last_day_ends=ends,
        )

    return [fault(item) for item in wanted]


async def _grant_judged_passes(
    work: UnitOfWork, employee_id: str, case_id: str | None, wanted: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Gives passes that were judged, with journal and events; returns the ids given just now."""
    made = await store.insert_passes(work, employee_id, case_id, wanted)
    for item in wanted:
        if item["pass_id"] in made:
            work.publish(PassGranted(employee_id=employee_id, **item))
            await insert_journal_entry(
                work,
                "pass.granted",
                employee_id=employee_id,
                client_id=item["client_id"],
                details={"pass_id": item["pass_id"], "purpose": item["purpose"], "case_id": case_id},
            )
    return made


async def grant_pass(work: UnitOfWork, data: Mapping[str, Any], roles: frozenset[str]) -> Mapping[str, Any]:
    """Gives one pass. Raises `OwnAffair`, `Forbidden`, `UnknownEmployee`, `Exists`, and every fault of a pass."""
    employee_id = data["employee_id"]
    if employee_id == work.actor:
        raise OwnAffair
    rows = await lock_with_actor(work, holding=[employee_id])
    if employee_id not in rows:
        raise UnknownEmployee
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, employee_id):
        raise Forbidden
    wanted = {
        "pass_id": data["id"] or uuid7(),
        "client_id": await get_client_id(work, data["client_id"]),
        "purpose": data["purpose"],
        "from_time": data["from_time"],
        "until_time": data["until_time"],
    }
    known = await store.get_pass(work, wanted["pass_id"])
    if known is None:
        (fault,) = await _find_pass_faults(work, rows[employee_id], [wanted])
        if fault is not None:
            raise PASS_FAULT_ERRORS[fault]
        await _grant_judged_passes(work, employee_id, None, [wanted])
        known = await store.get_pass(work, wanted["pass_id"])
    if (
        known is None
        or known["employee_id"] != employee_id
        or any(known[name] != wanted[name] for name in COMPARED_FIELDS)
    ):
        raise Exists
    return dict(known)


async def grant_passes(work: UnitOfWork, envelope: Envelope[GrantPasses]) -> list[Result]:
    """The passes of a case; a result for each."""
    command = envelope.data
    merged = await list_client_ids_by_ref(work, [item.client_id for item in command.items])
    wanted = [
        {**item.model_dump(exclude={"replaces"}), "client_id": merged.get(item.client_id, item.client_id)}
        for item in command.items
    ]
    rows = await lock_people(work, holding=[command.employee_id])
    person = rows.get(command.employee_id)
    if person is None:
        raise UnknownEmployee
    for item in command.items:
        if item.replaces is not None:
            await _end_pass(work, item.replaces)
    faults = await _find_pass_faults(work, person, wanted)
    await _grant_judged_passes(
        work,
        command.employee_id,
        command.case_id,
        [item for item, fault in zip(wanted, faults, strict=True) if fault is None],
    )
    return [Result(id=item["pass_id"], outcome=fault or "done") for item, fault in zip(wanted, faults, strict=True)]


async def withdraw_pass(work: UnitOfWork, pass_id: str, roles: frozenset[str]) -> None:
    """Ends a pass before its time; again does nothing. Raises `NotFound`, `OwnAffair`."""
    seen = await store.get_pass(work, pass_id)
    if seen is None:
        raise NotFound
    if seen["employee_id"] == work.actor:
        raise OwnAffair
    await lock_with_actor(work, holding=[seen["employee_id"]])
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, seen["employee_id"]):
        raise NotFound
    await _end_pass(work, pass_id)


async def _end_pass(work: UnitOfWork, pass_id: str) -> None:
    for row in await store.update_passes_withdrawn(work, pass_id=pass_id):
        work.publish(PassWithdrawn(**row))
        await insert_journal_entry(
            work,
            "pass.withdrawn",
            employee_id=row["employee_id"],
            client_id=row["client_id"],
            details={"pass_id": pass_id},
        )


async def withdraw_passes_of_employee(work: UnitOfWork, employee_id: str) -> None:
    rows = await store.update_passes_withdrawn(work, employee_id=employee_id)
    work.publish(*(PassWithdrawn(**row) for row in rows))
    if rows:
        passes = [row["pass_id"] for row in rows]
        await insert_journal_entry(work, "pass.withdrawn", employee_id=employee_id, details={"passes": passes})
