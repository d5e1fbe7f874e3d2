"""What `offboarding` publishes. It obeys nobody: it hears of departures and asks the others."""

from datetime import date
from typing import ClassVar

from shared.messages import Event, Message, list_messages


class CaseEvent(Event):
    aggregate: ClassVar[str] = "case"
    case_id: str
    employee_id: str


class OffboardingStarted(CaseEvent):
    type: ClassVar[str] = "offboarding.started"
    employment_id: str
    last_day: date


class StepCompleted(CaseEvent):
    type: ClassVar[str] = "offboarding.step_completed"
    step: str


class OffboardingCleared(CaseEvent):
    type: ClassVar[str] = "offboarding.cleared"
    clients: int
    kept: int
    visits: int
    waived: int


class OffboardingCancelled(CaseEvent):
    type: ClassVar[str] = "offboarding.cancelled"


class CaseNeedsPerson(CaseEvent):
    type: ClassVar[str] = "case.needs_person"
    step: str
    reason: str


class PlanProposed(CaseEvent):
    type: ClassVar[str] = "plan.proposed"
    version: int
    clients: int
    stages: int
    unplaced: int
    gap: float | None
    approver_id: str | None


class TaskEvent(CaseEvent):
    task_id: str
    kind: str
    assignee_id: str | None
    due_on: date


class TaskOpened(TaskEvent):
    type: ClassVar[str] = "task.opened"


class TaskDue(TaskEvent):
    type: ClassVar[str] = "task.due"


class TaskOverdue(TaskEvent):
    type: ClassVar[str] = "task.overdue"


class VisitOpened(CaseEvent):
    type: ClassVar[str] = "visit.opened"
    visit_id: str
    client_id: str
    assignee_id: str | None
    due_on: date
    rank: int


class IntroductionChanged(CaseEvent):
    type: ClassVar[str] = "introduction.changed"
    introduction_id: str
    client_id: str
    from_id: str
    to_id: str
    status: str
    due_on: date


EVENTS = list_messages(globals(), Event)
MESSAGES: tuple[type[Message], ...] = EVENTS
