"""The human tasks that every case gets, and when each is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.calendar import Calendar
from shared.errors import Unprocessable

AssigneeRole = Literal["leaver", "successor", "manager", "sales_head", "hr"]

RESERVED_TASK_KINDS = ("introductions", "approval")  # items of the case that are no tasks of the checklist


class TaskKindTaken(Unprocessable, code="same_kind"):
    """Each `kind` stands in the checklist once, and `introductions` and `approval` are taken."""


@dataclass(frozen=True)
class ChecklistEntry:
    """`working_days` after notice, or before the last day. `after_transfer`: it needs a successor, so it waits for one."""

    kind: str
    title: str
    who: AssigneeRole
    working_days: int
    counted_from: Literal["notice", "last_day"]
    proof: bool = False
    after_transfer: bool = False


@dataclass(frozen=True)
class Checklist:
    """One version of the whole checklist; 0 as long as the company has set none."""

    version: int
    entries: tuple[ChecklistEntry, ...]


STANDARD_CHECKLIST = (
    ChecklistEntry("team_meeting", "Meet the team: who serves whom from now on", "sales_head", 3, "notice"),
    ChecklistEntry(
        "successful_actions", "Write up what worked and how you worked with clients", "leaver", 5, "notice", True
    ),
    ChecklistEntry("undertaking", "Sign that you know you may not use the client base", "leaver", 5, "notice", True),
    ChecklistEntry("documents", "Hand over every working document; the receiver signs", "leaver", 2, "last_day"),
    ChecklistEntry("training", "Train the successor", "leaver", 1, "last_day", False, True),
)


def add_standard_tasks(company_entries: Sequence[ChecklistEntry]) -> tuple[ChecklistEntry, ...]:
    """The whole checklist: the standard tasks, each replaced where the company has its own of that kind, then the others."""
    by_kind = {entry.kind: entry for entry in company_entries}
    standard = {entry.kind for entry in STANDARD_CHECKLIST}
    return (
        *(by_kind.get(entry.kind, entry) for entry in STANDARD_CHECKLIST),
        *(entry for entry in company_entries if entry.kind not in standard),
    )


def require_distinct_unreserved_kinds(company_entries: Sequence[ChecklistEntry]) -> None:
    """Raises `TaskKindTaken`."""
    kinds = [entry.kind for entry in company_entries]
    if len(set(kinds)) < len(kinds) or not set(kinds).isdisjoint(RESERVED_TASK_KINDS):
        raise TaskKindTaken


def compute_due_day(entry: ChecklistEntry, notice_on: date, last_day: date, today: date, calendar: Calendar) -> date:
    """Never before today: who learns of a task late still has the day."""
    if entry.counted_from == "notice":
        day = calendar.add_working_days(notice_on, entry.working_days)
    elif entry.working_days or calendar.is_working_day(last_day):
        day = calendar.add_working_days(last_day, -entry.working_days)
    else:
        day = calendar.add_working_days(last_day, -1)  # the last day is free: the working day before it
    return max(day, today)
