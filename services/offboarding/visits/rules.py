"""A visit: the urgent meeting with a client at risk, and when visits are due."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Literal

from shared.calendar import Calendar
from shared.contracts.offboarding import VisitOpened
from shared.errors import Refused

MAX_DAYS_AHEAD = 60  # working days: what does not fit before comes due on that day, all of it

Outcome = Literal["kept", "at_risk", "lost"]


class VisitClosed(Refused, code="visit_over"):
    """This visit has another outcome already, or was called off."""


@dataclass(frozen=True)
class ClientToVisit:
    """A client that is to be visited. `rank`: how much it is at risk, 1 the most, 0 unknown."""

    client_id: str
    rank: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VisitOut:
    id: str
    case_id: str
    client_id: str
    rank: int
    why: Sequence[str]
    due_on: date
    assignee_id: str | None
    status: Literal["open", "done", "cancelled"]
    outcome: Outcome | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Visit(VisitOut):
    """The meeting of `assignee_id` with a client of the leaver, and what came of it."""

    leaver_id: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


def make_visit_opened(visit: Visit) -> VisitOpened:
    return VisitOpened(
        case_id=visit.case_id,
        employee_id=visit.leaver_id,
        visit_id=visit.id,
        client_id=visit.client_id,
        assignee_id=visit.assignee_id,
        due_on=visit.due_on,
        rank=visit.rank,
    )


def record_outcome(visit: Visit, outcome: Outcome, note: str | None, actor: str, now: datetime) -> Visit:
    """The same again changes nothing. Raises `VisitClosed`."""
    if visit.status == "done" and visit.outcome == outcome:
        return visit
    if visit.status != "open":
        raise VisitClosed
    return replace(visit, status="done", outcome=outcome, note=note, closed_at=now, closed_by=actor)


def spread_over_working_days(
    today: date, days_until_first: int, visit_count: int, per_day: int, calendar: Calendar
) -> Sequence[date]:
    """Due days for `visit_count` visits of which `per_day` can be made a day, the first so many working days after today."""
    last = calendar.add_working_days(today, MAX_DAYS_AHEAD)
    days: list[date] = []
    for following in count(days_until_first):
        day = calendar.add_working_days(today, following)
        if len(days) >= visit_count or day >= last:
            break
        days += [day] * min(per_day, visit_count - len(days))
    return [*days, *[last] * (visit_count - len(days))]
