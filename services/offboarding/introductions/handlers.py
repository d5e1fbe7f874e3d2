"""The leaver introduces the successor to one client, step by step; what a client refuses becomes a visit."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from services.offboarding.assignees.handlers import choose_and_lock_assignee
from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.runner import apply_replies
from services.offboarding.cases.store import get_visible_case, lock_case
from services.offboarding.introductions import rules, store
from services.offboarding.introductions.rules import Introduction, IntroductionStep, StepDetails
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Viewer
from services.offboarding.permissions.store import is_head_of_case
from services.offboarding.saga import Case, Reply
from services.offboarding.visits.lifecycle import open_visits
from services.offboarding.visits.rules import ClientToVisit
from services.offboarding.visits.store import merge_open_visits
from shared.contracts.clients import ClientMerged, ClientTransferred, GrantPasses, PassWanted
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.ids import uuid7
from shared.messages import Envelope
from shared.paging import Paging


async def list_introductions(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> list[Introduction]:
    """A page of the introductions of a case. Raises `NotFound`."""
    await get_visible_case(work, viewer, case_id)
    return await store.list_introductions(work, viewer, paging, case_id)


async def take_introduction_step(
    work: UnitOfWork, viewer: Viewer, introduction_id: str, step: IntroductionStep, details: StepDetails
) -> Introduction:
    """The same again gives the same answer.

    Raises `NotFound`, `Forbidden`, `WrongIntroductionStep`, `IntroductionClosed`.
    """
    seen = await store.get_introduction(work, introduction_id)
    is_head = await is_head_of_case(work, viewer, seen.case_id)
    if not is_head and viewer.sub not in (seen.from_id, seen.to_id):
        raise NotFound
    await lock_participants(work, seen.from_id, may_caller_be_frozen=viewer.sub == seen.from_id)
    record, case = await lock_case(work, seen.case_id)
    before = await store.lock_introduction(work, introduction_id)
    if not is_head and not rules.is_turn_of(before, step, viewer.sub, details.by):
        raise Forbidden
    introduction = rules.take_step(before, step, details, work.now)
    if introduction is before:
        return before
    work.publish(rules.make_introduction_changed(introduction))
    if step == "brief":
        introduction = _request_pass(work, record, case, introduction, details)
    await store.update_introductions(work, [introduction])
    if introduction.status == "refused":
        to_visit = ClientToVisit(introduction.client_id, introduction.rank, (f"refused_by_{details.by}",))
        head_id = await choose_and_lock_assignee(work, lambda work: get_head_of_sales(work, record.employee_id))
        await open_visits(work, record, [to_visit], head_id)
    is_last = introduction.status in ("confirmed", "refused") and not await store.exists_open_introduction(
        work, case.id
    )
    if is_last and case.is_over("transfer"):
        await apply_replies(work, record, case, Reply(case.get_task_item_id("introductions")))
    return introduction


def _request_pass(
    work: UnitOfWork, record: CaseRecord, case: Case, introduction: Introduction, details: StepDetails
) -> Introduction:
    """The successor is briefed: the leaver may see this one client until they have met."""
    zone = ZoneInfo(work.settings.timezone)
    window = rules.compute_pass_window(work.now, details.meets_on, record.last_day, zone)
    if window is None or introduction.form == "none":
        return introduction
    wanted = PassWanted(
        pass_id=uuid7(),  # briefed anew, for another colleague or another day, it is another pass
        replaces=introduction.pass_id,
        client_id=introduction.client_id,
        from_time=window[0],
        until_time=window[1],
    )
    command_id = f"{case.id}/hand_over/pass-{wanted.pass_id}"
    work.send(
        GrantPasses(
            command_id=command_id,
            case_id=case.id,
            epoch=case.epoch,
            employee_id=record.employee_id,
            items=[wanted],
        )
    )
    return replace(introduction, pass_id=wanted.pass_id, pass_status="asked", pass_command_id=command_id)  # noqa: S106


async def on_client_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """What is still to be done with the client is to be done with the one that it is part of now."""
    client_id, into_id = envelope.data.client_id, envelope.data.into_id
    await store.merge_introductions(work, client_id, into_id)
    await merge_open_visits(work, client_id, into_id)


async def on_client_transferred(work: UnitOfWork, envelope: Envelope[ClientTransferred]) -> None:
    """A person gave a client to somebody else than the plan did: that colleague is to be introduced instead."""
    if envelope.data.kind != "manual":
        return
    changes = {change.client_id: change for change in envelope.data.changes()}
    changed, told = [], []
    for before in await store.lock_open_introductions_of_clients(work, list(changes)):
        change = changes[before.client_id]
        introduction = rules.replace_successor(before, change.to_id, change.sequence, work.now)
        if introduction is not before:
            changed.append(introduction)
        if introduction.to_id != before.to_id:
            told.append(rules.make_introduction_changed(introduction))
    await store.update_introductions(work, changed)
    work.publish(*told)
