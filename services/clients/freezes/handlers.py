"""Freezing and lifting: what `staff` announces, what a case commands, what a person does by hand."""

from typing import Literal

from services.clients.access.handlers import OwnAffair, lock_people_and_require_active_actor
from services.clients.exposure.store import delete_notice, upsert_notice
from services.clients.freezes import rules, store
from services.clients.holdings.store.owners import count_clients_of_record_owner, insert_stand_in_history
from services.clients.journal.store import insert_journal_entry
from services.clients.passes.handlers import withdraw_passes_of_employee
from services.clients.passes.store import upsert_last_day
from shared.contracts.clients import AccessFrozen, AccessUnfrozen, FreezeAccess, Ground, Result, UnfreezeAccess
from shared.contracts.orders import StagesFrozen, StagesUnfrozen
from shared.contracts.staff import (
    DepartureReversed,
    EmployeeEvent,
    EmployeeLeft,
    EmployeeRehired,
    EmployeeResigned,
    ResignationChanged,
    ResignationWithdrawn,
)
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound, Refused, Unprocessable
from shared.ids import uuid7
from shared.messages import Envelope
from shared.people.handlers import apply_departure_to_freeze, end_freeze_ground, freeze_employee
from shared.people.policies import update_policy_deadlines
from shared.people.rules import FreezeOutcome, UnknownEmployee
from shared.people.store import (
    apply_employee_event,
    get_freeze_state,
    get_person,
    is_headed_by_actor,
    list_caretaker_candidates_of_person,
    lock_people,
)


class NotFrozen(NotFound, code="not_frozen"):
    """This person is not frozen, or you may not know about it."""


class FreezeOfCase(Refused, code="freeze_of_case"):
    """This freeze belongs to a departure, or is held. It ends with the case: withdraw, reverse or reject it in `staff`."""


class ReasonMissing(Unprocessable, code="reason_missing"):
    """Say why, in `reason`. The second person need not."""


class IncidentFreezeAlreadyLifted(Refused, code="ground_ended"):
    """The freeze of this incident was lifted. If it goes on, that is another incident: give another `ref`."""


class LiftingNeedsAnotherRole(Refused, code="needs_another_role"):
    """Lifting a freeze takes two roles, and you hold only the one in which the first person asked."""


async def on_employee_event(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    """Follows the register; a departure freezes, with everything of the leaver in the caretaker's hands."""
    event = envelope.data
    caretakers = getattr(event, "caretakers", None)
    was_frozen = False
    if caretakers is not None or isinstance(event, EmployeeRehired):
        people = await lock_people(work, for_update=[event.employee_id, *(caretakers or ())])
        was_frozen = people[event.employee_id].frozen
    is_news = await apply_employee_event(work, envelope)
    if is_news:
        await update_policy_deadlines(work, event.employee_id)
    last_day = getattr(event, "last_day", None)
    if last_day is not None:
        await upsert_last_day(work, event.employee_id, event.employment_id, last_day)
    if isinstance(event, EmployeeResigned | ResignationChanged | EmployeeLeft) and event.notice_on is not None:
        await upsert_notice(work, event.employee_id, event.employment_id, event.notice_on)
    elif is_news and isinstance(event, ResignationWithdrawn | DepartureReversed):
        await delete_notice(work, event.employee_id, event.employment_id)
    state = await apply_departure_to_freeze(work, envelope)
    if state is not None and state.changed:
        await record_and_publish_freeze_change(work, state)
    elif is_news and was_frozen and isinstance(event, EmployeeRehired):
        state = await get_freeze_state(work, event.employee_id)
        if not state.frozen:
            await record_and_publish_freeze_change(work, state)


async def freeze_access(work: UnitOfWork, envelope: Envelope[FreezeAccess]) -> list[Result]:
    """The freeze of a case: the same as the announcement's, and bound to the case."""
    command = envelope.data
    state = await freeze_employee(
        work,
        command.employee_id,
        command.employment_id,
        Ground(kind="departure", ref=command.ref),
        command.caretakers,
        case_id=command.case_id,
    )
    if state.frozen:
        await record_and_publish_freeze_change(work, state)
    return []


async def unfreeze_access(work: UnitOfWork, envelope: Envelope[UnfreezeAccess]) -> list[Result]:
    command = envelope.data
    state = await end_freeze_ground(work, command.employee_id, command.employment_id, "departure", command.ref)
    if state.changed:
        await record_and_publish_freeze_change(work, state)
        await withdraw_passes_of_employee(work, command.employee_id)
    return []


async def record_and_publish_freeze_change(work: UnitOfWork, state: FreezeOutcome) -> None:
    """History, journal and event of a freeze that began, changed or ended; with the last ground go the passes.

    Those for whom this person stood in have another caretaker from now on: that is told of them too.
    """
    changed = await insert_stand_in_history(work, state.employee_id)
    await store.delete_lifting_request(work, state.employee_id)
    await _publish_freeze(work, state)
    if not state.frozen:
        await withdraw_passes_of_employee(work, state.employee_id)
    for employee_id in sorted(changed - {state.employee_id}):
        other = await get_freeze_state(work, employee_id)
        if other.frozen:
            await _publish_freeze(work, other)


async def build_freeze_event(work: UnitOfWork, state: FreezeOutcome) -> AccessFrozen | AccessUnfrozen:
    kind = AccessFrozen if state.frozen else AccessUnfrozen
    return kind(
        employee_id=state.employee_id,
        employment_id=state.employment_id or "",
        grounds=list(state.grounds),
        case_id=state.case_id,
        caretaker_id=state.stand_in_id,
        clients=await count_clients_of_record_owner(work, state.employee_id),
        frozen_at=state.frozen_at,
    )


async def _publish_freeze(work: UnitOfWork, state: FreezeOutcome) -> None:
    event = await build_freeze_event(work, state)
    work.publish(event)
    await insert_journal_entry(
        work,
        event.type,
        employee_id=state.employee_id,
        details={
            "grounds": [ground.model_dump() for ground in state.grounds],
            "case_id": state.case_id,
            "clients": event.clients,
            "unowned": state.unowned,
        },
        people={"caretaker_id": state.stand_in_id},
    )


async def on_stages_frozen(work: UnitOfWork, envelope: Envelope[StagesFrozen]) -> None:
    await store.update_enforcement(work, envelope.data.employee_id, "orders", envelope.time)


async def on_stages_unfrozen(work: UnitOfWork, envelope: Envelope[StagesUnfrozen]) -> None:
    await store.update_enforcement(work, envelope.data.employee_id, "orders", None)


# -- by hand -----------------------------------------------------------------------------------------------------------


async def freeze_employee_by_hand(
    work: UnitOfWork,
    employee_id: str,
    kind: Literal["emergency", "incident"],
    ref: str | None,
    reason: str,
    roles: frozenset[str],
) -> rules.Freeze:
    """A freeze by one person, in force when this commits: the passes of before end. Again (of an incident: of the same
    one; else by the same person for the same reason) adds nothing; but who was asking to lift it must ask anew.

    Raises `OwnAffair`, `UnknownEmployee`, `Forbidden`, `IncidentFreezeAlreadyLifted`.
    """
    if employee_id == work.actor:
        raise OwnAffair
    seen = await get_person(work, employee_id)
    if seen is None or not seen.is_known:
        raise UnknownEmployee
    if not roles & {"hr", "director", "ops"} and not await is_headed_by_actor(work, employee_id):
        raise Forbidden
    caretakers = await list_caretaker_candidates_of_person(work, seen)
    people = await lock_people_and_require_active_actor(work, for_update=[employee_id, *caretakers])
    before = await store.get_freeze(work, employee_id)
    if before is not None and before.has_ground(kind, ref, work.actor, reason):
        if before.lifting is not None:
            await record_and_publish_freeze_change(work, await get_freeze_state(work, employee_id))
    else:
        ground = Ground(kind=kind, ref=ref or uuid7())
        employment_id = people[employee_id].employment_id
        state = await freeze_employee(work, employee_id, employment_id, ground, caretakers, reason=reason)
        if ground not in state.grounds:
            raise IncidentFreezeAlreadyLifted
        await record_and_publish_freeze_change(work, state)
        await withdraw_passes_of_employee(work, employee_id)
    freeze = await store.get_freeze(work, employee_id)
    if freeze is None:
        raise NotFrozen
    return freeze


async def request_or_confirm_lifting(
    work: UnitOfWork, employee_id: str, reason: str | None, roles: frozenset[str]
) -> rules.LiftResult:
    """The first call asks, the second one, by another person in another role, lifts: `lifted` says which it was.

    What people began ends; a departure or a hold beside it stays in force, and `in_force` names it.

    Raises `OwnAffair`, `NotFrozen`, `FreezeOfCase`, `ReasonMissing`, `LiftingNeedsAnotherRole`.
    """
    if employee_id == work.actor:
        raise OwnAffair
    await lock_people_and_require_active_actor(work, for_update=[employee_id])
    state = await get_freeze_state(work, employee_id)
    is_head = "sales_head" in roles and await is_headed_by_actor(work, employee_id)
    acting = (roles & rules.FREEZING_ROLES) - (set() if is_head else {"sales_head"})
    if not state.frozen or not acting:
        raise NotFrozen
    manual = rules.filter_manual_grounds(ground.kind for ground in state.grounds)
    if not manual:
        raise FreezeOfCase
    waiting_for: str | None = "another person in another role"
    first = await store.get_first_lifter(work, employee_id)
    if first is None:
        if reason is None:
            raise ReasonMissing
        await store.upsert_lifting_request(work, employee_id, sorted(acting), reason)
        await insert_journal_entry(work, "access.lifting_asked", employee_id=employee_id)
    elif first.by_id != work.actor:
        if not rules.is_second_person_in_another_role(first.by_id, frozenset(first.roles), work.actor, acting):
            raise LiftingNeedsAnotherRole
        for kind in sorted(manual):
            state = await end_freeze_ground(work, employee_id, state.employment_id or "", kind, None)
        await record_and_publish_freeze_change(work, state)
        waiting_for = None
    in_force = sorted({ground.kind for ground in state.grounds}) if state.frozen else []
    return rules.LiftResult(employee_id, waiting_for is None, waiting_for, in_force)


async def read_freeze(work: UnitOfWork, employee_id: str, roles: frozenset[str]) -> rules.Freeze:
    """The freeze as it stands. Raises `NotFrozen`."""
    freeze = await store.get_freeze(work, employee_id)
    if freeze is None or not (
        roles & {"hr", "director", "ops", "service", "auditor"}
        or employee_id == work.actor
        or ("sales_head" in roles and await is_headed_by_actor(work, employee_id))
    ):
        raise NotFrozen
    return rules.hide_reasons(freeze, roles)
