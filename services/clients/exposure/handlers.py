"""Looking at what an employee used: only from a notice or an incident on, and never unseen."""

import asyncio
import re
from datetime import datetime, time, timedelta

from services.clients.access.handlers import find_actor_exclusion, make_refusal
from services.clients.exposure import rules, store
from services.clients.journal.store import insert_journal_entry
from shared.calendar import get_start_of_day
from shared.database import UnitOfWork
from shared.errors import Forbidden, JournaledRefusal, NotFound, Refused
from shared.paging import Paging, UnknownCursor, make_page
from shared.people.store import is_headed_by_actor


class OwnExposure(Forbidden, code="own_exposure"):
    """Nobody looks at their own exposure. Ask for what is kept of you instead."""


class ExposureOffForDepartment(Refused, code="exposure_off"):
    """For the department of this person what they use is not looked at: the company has switched it off."""


class NeitherNoticeNorIncident(Refused, code="nothing_happened"):
    """This person has neither given notice nor is there an incident: employees are not watched for nothing."""


async def read_exposure(
    work: UnitOfWork, employee_id: str, days: int | None, roles: frozenset[str], paging: Paging
) -> rules.ExposureShown:
    """With a page of clients: those with the most exports come first, then those with the most rows, then by id.

    Raises a `JournaledRefusal`, `NotFound`, `UnknownCursor`.
    """
    after = _parse_cursor(paging)
    days = work.settings.lookback_days if days is None else days
    eligibility = await store.get_exposure_eligibility(work, employee_id)
    if eligibility is None:
        raise NotFound
    refused = await _find_refusal(work, employee_id, eligibility, roles)
    await insert_journal_entry(
        work,
        "exposure.read",
        employee_id=employee_id,
        action="read",
        reason=refused or ("service" if "service" in roles else "head" if roles & {"director", "sales_head"} else None),
        details={"days": days, "basis": eligibility.basis or "none"},
    )
    if refused is not None:
        raise _make_refusal(refused)
    if eligibility.basis is None or eligibility.began is None:
        raise _make_refusal("no_notice")
    lookback_from = eligibility.began - timedelta(days=days)
    since = get_start_of_day(lookback_from, work.settings.timezone)
    days_of_use = await store.list_usage_days(work, employee_id)
    unusual = await asyncio.to_thread(rules.find_unusual_use, days_of_use, lookback_from)
    bulk_days = [one.day for one in unusual.evidence if one.flag == "bulk_read"]
    off_hours = [datetime.combine(one.day, time(hour)) for one in unusual.evidence for hour in one.hours]
    totals, clients = await store.list_used_clients_with_totals(
        work, employee_id, since, after, paging.fetch, bulk_days, off_hours
    )
    return rules.ExposureShown(
        **dict(make_page(clients, paging, lambda one: (str(one.exports), str(one.rows), one.client_id))),
        employee_id=employee_id,
        basis=eligibility.basis,
        notice_on=eligibility.notice_on,
        incident_on=eligibility.incident_on,
        lookback_from=lookback_from,
        until=work.now,
        reporting=await store.list_reporting_systems(work, since),
        totals=totals,
        decisions=await store.count_access_checks(work, employee_id, since),
        unusual=unusual,
    )


async def _find_refusal(
    work: UnitOfWork, employee_id: str, eligibility: store.ExposureEligibility, roles: frozenset[str]
) -> str | None:
    if employee_id == work.actor:
        return "own_case"
    if exclusion := await find_actor_exclusion(work):
        return exclusion
    if not roles & {"director", "auditor", "service"} and not await is_headed_by_actor(work, employee_id):
        return "no_relation"
    if eligibility.is_switched_off:
        return "switched_off"
    return "no_notice" if eligibility.basis is None else None


def _make_refusal(reason: str) -> JournaledRefusal:
    refusals = {
        "own_case": OwnExposure,
        "switched_off": ExposureOffForDepartment,
        "no_notice": NeitherNoticeNorIncident,
    }
    return JournaledRefusal(refusals[reason]()) if reason in refusals else make_refusal(reason)


def _parse_cursor(paging: Paging) -> tuple[int, int, str] | None:
    if paging.after is None:
        return None
    if len(paging.after) != 3 or not all(re.fullmatch(r"[0-9]{1,18}", part) for part in paging.after[:2]):
        raise UnknownCursor
    exports, rows, client_id = paging.after
    return int(exports), int(rows), client_id
