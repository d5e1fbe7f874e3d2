"""The human tasks that every case gets, and when each is due."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from services.offboarding.visits.rules import IsWorkingDay, add_working_days, subtract_working_days

AssigneeRole = Literal["leaver", "successor", "manager", "sales_head", "hr"]

RESERVED_TASK_KINDS = ("introductions", "approval")  # items of the case that are no tasks of the checklist


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


STANDARD_CHECKLIST = (
    ChecklistEntry("team_meeting", "Meet the team: who serves whom from now on", "sales_head", 3, "notice"),
    ChecklistEntry(
        "successful_actions", "Write up what worked and how you worked with clients", "leaver", 5, "notice", True
    ),
    ChecklistEntry("undertaking", "Sign that you know you may not use the client base", "leaver", 5, "notice", True),
    ChecklistEntry("documents", "Hand over every working document; the receiver signs", "leaver", 2, "last_day"),
    ChecklistEntry("training", "Train the successor", "leaver", 1, "last_day", False, True),
)


def complete_checklist(own: Sequence[ChecklistEntry]) -> tuple[ChecklistEntry, ...]:
    """The whole checklist: the standard tasks, each replaced where the company has its own of that kind, then the others."""
    by_kind = {entry.kind: entry for entry in own}
    standard = {entry.kind for entry in STANDARD_CHECKLIST}
    return (
        *(by_kind.get(entry.kind, entry) for entry in STANDARD_CHECKLIST),
        *(entry for entry in own if entry.kind not in standard),
    )


def compute_due_day(entry: ChecklistEntry, notice_on: date, last_day: date, today: date, works: IsWorkingDay) -> date:
    """Never before today: who learns of a task late still has the day."""
    if entry.counted_from == "notice":
        day = add_working_days(notice_on, entry.working_days, works)
    else:
        day = subtract_working_days(last_day, entry.working_days, works)
    return max(day, today)


def checklist_to_json(entries: Sequence[ChecklistEntry]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]


def checklist_from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[ChecklistEntry, ...]:
    return tuple(ChecklistEntry(**row) for row in rows)
