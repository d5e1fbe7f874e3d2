"""Passes, granted and withdrawn by hand or by a case."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.clients.access.handlers import OwnAffair, lock_people_and_require_active_actor
from services.clients.journal.store import EntryDetails, insert_journal_entry
from services.clients.names.store import get_client_id_or_ref, list_client_ids_by_other_name
from services.clients.passes import rules, store
from shared.calendar import get_start_of_day
from shared.contracts.clients import GrantPasses, PassGranted, PassWanted, Result
from shared.database import UnitOfWork
from shared.errors import Forbidden, IdTaken, NotFound, Refused, Unprocessable
from shared.messages import Envelope
from shared.people.rules import Person, UnknownEmployee
from shared.people.store import is_headed_by_actor, lock_people


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


PASS_FAULT_ERRORS: Mapping[str, type[Refused] | type[Unprocessable]] = {
    "not_frozen": PersonNotFrozen,
    **{error.code: error for error in (PassEndsBeforeItBegins, PassInThePast, PassTooLong, UnknownClient)},
    **{error.code: error for error in (NoLastWorkingDay, NotTheirClient)},
}


async def _find_pass_faults(work: UnitOfWork, person: Person, passes: Sequence[PassWanted]) -> list[str | None]:
    """For each wanted pass why it cannot be given, if so. The person was locked before."""
    own = await store.list_is_theirs_by_client(work, person.employee_id, [wanted.client_id for wanted in passes])
    last_day = await store.get_last_day(work, person.employee_id)
    timezone = work.settings.timezone
    ends = get_start_of_day(last_day + timedelta(days=1), timezone) if last_day else None

    def find_fault(wanted: PassWanted) -> str | None:
        if wanted.client_id not in own:
            return "unknown_client"
        return rules.find_pass_fault(
            wanted.purpose,
            wanted.from_time,
            wanted.until_time,
            work.now,
            is_frozen=person.frozen and person.status != "left",
            is_their_client=own[wanted.client_id],
            last_day_ends=ends,
        )

    return [find_fault(wanted) for wanted in passes]


async def _grant_judged_passes(
    work: UnitOfWork, employee_id: str, case_id: str | None, passes: Sequence[PassWanted]
) -> None:
    """Gives passes that were judged, with journal and events."""
    inserted = await store.insert_passes(work, employee_id, case_id, passes)
    for wanted in passes:
        if wanted.pass_id in inserted:
            work.publish(PassGranted(employee_id=employee_id, **wanted.model_dump(exclude={"replaces"})))
            await insert_journal_entry(
                work,
                "pass.granted",
                employee_id=employee_id,
                client_id=wanted.client_id,
                details={"pass_id": wanted.pass_id, "purpose": wanted.purpose, "case_id": case_id},
            )


async def grant_pass(work: UnitOfWork, employee_id: str, wanted: PassWanted, roles: frozenset[str]) -> store.Pass:
    """Gives one pass. Raises `OwnAffair`, `Forbidden`, `UnknownEmployee`, `IdTaken`, and every fault of a pass."""
    if employee_id == work.actor:
        raise OwnAffair
    people = await lock_people_and_require_active_actor(work, for_share=[employee_id])
    if employee_id not in people:
        raise UnknownEmployee
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, employee_id):
        raise Forbidden
    wanted = wanted.model_copy(update={"client_id": await get_client_id_or_ref(work, wanted.client_id)})
    known = await store.get_pass(work, wanted.pass_id)
    if known is None:
        (fault,) = await _find_pass_faults(work, people[employee_id], [wanted])
        if fault is not None:
            raise PASS_FAULT_ERRORS[fault]
        await _grant_judged_passes(work, employee_id, None, [wanted])
        known = await store.get_pass(work, wanted.pass_id)
    if known is None or (known.employee_id, known.client_id, known.purpose, known.from_time, known.until_time) != (
        *(employee_id, wanted.client_id, wanted.purpose, wanted.from_time, wanted.until_time),
    ):
        raise IdTaken
    return known


async def grant_passes(work: UnitOfWork, envelope: Envelope[GrantPasses]) -> list[Result]:
    """The passes of a case; a result for each."""
    command = envelope.data
    ids = await list_client_ids_by_other_name(work, [item.client_id for item in command.items])
    passes = [item.model_copy(update={"client_id": ids.get(item.client_id, item.client_id)}) for item in command.items]
    person = (await lock_people(work, for_share=[command.employee_id])).get(command.employee_id)
    if person is None:
        raise UnknownEmployee
    for wanted in passes:
        if wanted.replaces is not None:
            await _end_pass(work, wanted.replaces)
    faults = await _find_pass_faults(work, person, passes)
    judged = list(zip(passes, faults, strict=True))
    await _grant_judged_passes(
        work, command.employee_id, command.case_id, [wanted for wanted, fault in judged if fault is None]
    )
    return [Result(id=wanted.pass_id, outcome=fault or "done") for wanted, fault in judged]


async def withdraw_pass(work: UnitOfWork, pass_id: str, roles: frozenset[str]) -> None:
    """Ends a pass before its time; again does nothing. Raises `NotFound`, `OwnAffair`."""
    seen = await store.get_pass(work, pass_id)
    if seen is None:
        raise NotFound
    if seen.employee_id == work.actor:
        raise OwnAffair
    await lock_people_and_require_active_actor(work, for_share=[seen.employee_id])
    if not roles & {"hr", "director"} and not await is_headed_by_actor(work, seen.employee_id):
        raise NotFound
    await _end_pass(work, pass_id)


async def _end_pass(work: UnitOfWork, pass_id: str) -> None:
    for ended in await store.update_passes_withdrawn(work, pass_id=pass_id):
        work.publish(ended)
        await insert_journal_entry(
            work,
            "pass.withdrawn",
            employee_id=ended.employee_id,
            client_id=ended.client_id,
            details={"pass_id": pass_id},
        )


async def withdraw_passes_of_employee(work: UnitOfWork, employee_id: str) -> None:
    ended = await store.update_passes_withdrawn(work, employee_id=employee_id)
    work.publish(*ended)
    if ended:
        details: EntryDetails = {"passes": [withdrawn.pass_id for withdrawn in ended]}
        await insert_journal_entry(work, "pass.withdrawn", employee_id=employee_id, details=details)
