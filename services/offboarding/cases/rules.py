"""The row of a case, the departure that it comes from, and how it is shown."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal, get_args

from services.offboarding.checklist.rules import ChecklistEntry
from services.offboarding.saga import (
    OPEN_CASE_STATUSES,
    Case,
    CaseItem,
    CaseStatus,
    ChecklistTask,
    StepStatus,
    get_step_table,
)
from shared.contracts.offboarding import OffboardingStarted

StepName = Literal["freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up"]


@dataclass(frozen=True)
class Departure:
    """What was announced: `ref` is the sequence of the announcing event, by which all services know the ground."""

    employee_id: str
    employment_id: str
    ref: str
    caretakers: tuple[str, ...]
    notice_on: date
    last_day: date
    over: bool = False


def make_case_id(departure: Departure) -> str:
    """The same announcement makes the same case, however often it is heard."""
    name = f"{departure.employee_id}/{departure.employment_id}/{departure.ref}"
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


@dataclass(frozen=True)
class CaseBasics:
    """What everybody is told of a case who may know of it. `employee_id` is the leaver."""

    id: str
    employee_id: str
    employment_id: str
    status: CaseStatus
    step: str
    notice_on: date
    last_day: date
    opened_at: datetime
    cleared_at: datetime | None
    cancelled_at: datetime | None


@dataclass(frozen=True)
class CaseRecord(CaseBasics):
    """A row of `cases`. `next_departure` waits until the undo is over."""

    ref: str
    caretakers: Sequence[str]
    last_day_over: bool
    table_version: int
    epoch: int
    undo: str
    facts: Mapping[str, int]
    checklist: tuple[ChecklistEntry, ...]
    next_departure: Departure | None
    figures: Mapping[str, int]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_CASE_STATUSES

    def make_started(self) -> OffboardingStarted:
        return OffboardingStarted(
            case_id=self.id,
            employee_id=self.employee_id,
            employment_id=self.employment_id,
            last_day=self.last_day,
        )


def make_case(record: CaseRecord, items: Sequence[CaseItem], step_statuses: Mapping[str, str]) -> Case:
    """The case as the saga knows it; `step_statuses` of the steps that have begun."""
    case = Case(
        id=record.id,
        checklist_tasks=list_checklist_tasks(record.checklist),
        table_version=record.table_version,
        epoch=record.epoch,
        last_day_over=record.last_day_over,
        undo=record.undo,
        items=tuple(items),
        facts=record.facts,
    )
    order = [step.name for step in get_step_table(case)]
    begun = tuple(sorted(step_statuses, key=order.index))
    undone = tuple(name for name in reversed(begun) if step_statuses[name] == "undone")
    return Case(**{**vars(case), "begun_steps": begun, "undone_steps": undone})


def list_checklist_tasks(checklist: Sequence[ChecklistEntry]) -> tuple[ChecklistTask, ...]:
    return tuple(ChecklistTask(entry.kind, entry.after_transfer) for entry in checklist)


@dataclass(frozen=True)
class StepProgress:
    """How far a step is: how many items it has, and how many of them are settled."""

    name: StepName
    status: StepStatus = "pending"
    items: int = 0
    done: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Waiting:
    """`what`: the kind of a task, `plan_approval`, `introductions`, `visits`, `last_day`, a command under way, or why
    something failed. `number` counts introductions, visits or commands of the same person."""

    what: str
    who_id: str | None
    since: datetime | None
    due_on: date | None
    number: int = 1


@dataclass(frozen=True)
class CaseSummary(CaseBasics):
    """Where a case stands, and what it waits for."""

    steps: Sequence[StepProgress]
    head_of_sales_id: str | None
    waiting_for: Sequence[Waiting]


@dataclass(frozen=True)
class CaseDetails(CaseSummary):
    """`stayed`: clients that an undo left with their successors, who confirmed or moved on since."""

    stayed: Sequence[str] = ()


def make_summary(
    record: CaseRecord, begun: Sequence[StepProgress], head_of_sales_id: str | None, waiting_for: Sequence[Waiting]
) -> CaseSummary:
    """With all steps in their order, those that have not begun too."""
    by_name = {step.name: step for step in begun}
    return CaseSummary(
        **{each.name: getattr(record, each.name) for each in fields(CaseBasics)},
        steps=[by_name.get(name) or StepProgress(name) for name in get_args(StepName)],
        head_of_sales_id=head_of_sales_id,
        waiting_for=waiting_for,
    )


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened in a case: ids and words of ours only."""

    id: str
    at: datetime
    what: str
    step: str | None
    by_id: str
    details: Mapping[str, str | int | bool | None]
