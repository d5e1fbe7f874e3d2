"""What goes out: the shapes of contract.md."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator

from shared.http.fields import Money


class StepOut(BaseModel):
    name: Literal["freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up"]
    status: Literal["pending", "running", "waiting", "done", "skipped", "undone"]
    items: int = 0
    done: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


class WaitingFor(BaseModel):
    """`what`: the kind of a task, `plan_approval`, `introductions`, `visits`, `last_day`, a command under way, or why
    something failed. `number` counts introductions, visits or commands of the same person."""

    what: str
    who_id: str | None
    since: datetime | None
    due_on: date | None
    number: int = 1


class CaseLine(BaseModel):
    id: str
    employee_id: str
    employment_id: str
    status: Literal["open", "needs_person", "cleared", "cancelled"]
    step: str
    steps: list[StepOut]
    notice_on: date
    last_day: date
    opened_at: datetime
    cleared_at: datetime | None = None
    cancelled_at: datetime | None = None
    head_of_sales_id: str | None = None
    waiting_for: list[WaitingFor] = []


class CaseOut(CaseLine):
    """`stayed`: clients that an undo left with their successors, who confirmed or moved on since."""

    stayed: list[str] = []


class Entry(BaseModel):
    id: Annotated[str, BeforeValidator(str)]
    at: datetime
    what: str
    step: str | None
    by_id: str
    details: dict[str, Any]


class PlanItem(BaseModel):
    client_id: str
    to_id: str
    why: list[str]
    cost: float


class PlanStage(BaseModel):
    order_id: str
    stage: str
    to_id: str
    why: list[str]
    cost: float


class PlanTeam(BaseModel):
    client_id: str
    function: str
    to_id: str


class UnplacedOut(BaseModel):
    """A client; a stage (with `order_id` and `stage`); or a place in a team (with `function`)."""

    client_id: str
    reason: str
    order_id: str | None = None
    stage: str | None = None
    function: str | None = None


class Places(BaseModel):
    """The leaver's other places, to be filled in the register: deputies are void, heads and managers vacant."""

    heads: list[str] = []
    deputy_of: list[str] = []
    manager_of: list[str] = []
    tasks: int = 0
    visits: int = 0


class Over(BaseModel):
    """Who gets more than their capacity by an edit, and by how many points."""

    employee_id: str
    function: str
    points: float


class PlanOut(BaseModel):
    """`gap`: by which share of `objective` a better plan could at most be cheaper."""

    version: int
    items: list[PlanItem]
    stages: list[PlanStage]
    team: list[PlanTeam]
    unplaced: list[UnplacedOut]
    objective: float
    bound: float
    gap: float
    over: list[Over] = []
    places: Places = Places()
    case_id: str | None = None
    status: Literal["dry_run", "proposed", "approved", "withdrawn"] = "dry_run"
    made_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None


class TaskOut(BaseModel):
    id: str
    case_id: str
    kind: str
    title: str
    assignee_id: str | None
    who: str
    due_on: date
    status: Literal["open", "done", "waived", "cancelled"]
    proof: str | None = None
    reason: str | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


class VisitOut(BaseModel):
    id: str
    case_id: str
    client_id: str
    rank: int
    why: list[str]
    due_on: date
    assignee_id: str | None
    status: Literal["open", "done", "cancelled"]
    outcome: Literal["kept", "at_risk", "lost"] | None = None
    note: str | None = None


class IntroductionOut(BaseModel):
    """`rank`: how much the client is at risk, 1 the most, 0 unknown. `pass_status`: of the leaver's pass for the meeting."""

    id: str
    case_id: str
    client_id: str
    from_id: str
    to_id: str
    form: Literal["meeting", "call", "letter", "none"]
    status: Literal["proposed", "accepted", "briefed", "introduced", "confirmed", "refused", "cancelled"]
    due_on: date
    rank: int
    brief: dict[str, Any] | None = None
    by: str | None = None
    how: str | None = None
    reason: str | None = None
    pass_id: str | None = None
    pass_status: Literal["asked", "granted", "refused"] | None = None
    changed_at: datetime


class DocumentOut(BaseModel):
    id: str
    case_id: str
    title: str
    kind: str
    location: str
    client_id: str | None = None
    status: Literal["listed", "handed_over", "received"]
    receiver_id: str | None = None
    listed_by: str
    listed_at: datetime
    handed_over_at: datetime | None = None
    received_at: datetime | None = None
    received_by: str | None = None


class FollowUpOut(BaseModel):
    """From `since` to `until`, against the same days a year before (`…_before`)."""

    case_id: str
    client_id: str
    successor_id: str
    since: date
    until: date
    revenue: Money
    revenue_before: Money
    orders: int
    orders_before: int
    delivered: int
    delivered_before: int
    on_time: int
    on_time_before: int


class Done(BaseModel):
    step: str
    what: str
    status: str
    by_id: str | None
    at: datetime | None
    reason: str | None


class Approved(BaseModel):
    version: int
    approved_by: str | None
    approved_at: datetime | None
    gap: float


class Successor(BaseModel):
    employee_id: str
    clients: int
    stages: int
    team: int


class IntroductionCount(BaseModel):
    status: str
    number: int


class VisitCount(BaseModel):
    outcome: str
    number: int


class DocumentLine(BaseModel):
    id: str
    kind: str
    status: str
    by_id: str | None
    at: datetime | None


class Figures(BaseModel):
    clients: int
    kept: int
    visits: int
    waived: int


class CertificateOut(BaseModel):
    case_id: str
    employee_id: str
    employment_id: str
    last_day: date
    opened_at: datetime
    cleared_at: datetime
    figures: Figures
    plan: Approved | None
    items: list[Done]
    successors: list[Successor]
    introductions: list[IntroductionCount]
    visits: list[VisitCount]
    documents: list[DocumentLine]
