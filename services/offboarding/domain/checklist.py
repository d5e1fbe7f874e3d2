"""The human tasks that every case gets, and when each is due."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from services.offboarding.domain.working_days import Calendar, working_day_after, working_day_before

Who = Literal["leaver", "successor", "manager", "sales_head", "hr"]
RESERVED = ("introductions", "approval")  # items of the case that are no tasks of the checklist


@dataclass(frozen=True)
class Entry:
    """`working_days` after notice, or before the last day. `after_transfer`: it needs a successor, so it waits for one."""

    kind: str
    title: str
    who: Who
    working_days: int
    counted_from: Literal["notice", "last_day"]
    proof: bool = False
    after_transfer: bool = False


STANDARD = (
    Entry("team_meeting", "Meet the team: who serves whom from now on", "sales_head", 3, "notice"),
    Entry("successful_actions", "Write up what worked and how you worked with clients", "leaver", 5, "notice", True),
    Entry("undertaking", "Sign that you know you may not use the client base", "leaver", 5, "notice", True),
    Entry("documents", "Hand over every working document; the receiver signs", "leaver", 2, "last_day"),
    Entry("training", "Train the successor", "leaver", 1, "last_day", False, True),
)


def complete(own: Sequence[Entry]) -> tuple[Entry, ...]:
    """The whole checklist: the standard tasks, each replaced where the company has its own of that kind, then the others."""
    by_kind = {entry.kind: entry for entry in own}
    standard = {entry.kind for entry in STANDARD}
    return (
        *(by_kind.get(entry.kind, entry) for entry in STANDARD),
        *(entry for entry in own if entry.kind not in standard),
    )


def due(entry: Entry, notice_on: date, last_day: date, today: date, works: Calendar) -> date:
    """Never before today: who learns of a task late still has the day."""
    if entry.counted_from == "notice":
        day = working_day_after(notice_on, entry.working_days, works)
    else:
        day = working_day_before(last_day, entry.working_days, works)
    return max(day, today)


def to_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    return tuple(Entry(**row) for row in rows)
