"""What `staff` publishes: the public state of employees and departments, without names or addresses."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from shared.messages import Event, Message, MessagePart, list_messages


class Absence(MessagePart):
    """Days, both inclusive; open-ended without `until`. Never the cause."""

    absence_id: str
    from_day: date
    until_day: date | None = None


class EmployeeEvent(Event):
    """The whole public state of an employee, in every event about them, so that the newest event alone is enough."""

    aggregate: ClassVar[str] = "employee"
    employee_id: str
    employment_id: str
    status: Literal["active", "resigned", "left"]
    department_id: str | None = None
    manager_id: str | None = None
    deputy_id: str | None = None
    functions: dict[str, float] = Field(default_factory=dict, description="capacity in effort points by function")
    regions: list[str] = []
    languages: list[str] = []
    hired_on: date | None = None
    absences: list[Absence] = []


class EmployeeHired(EmployeeEvent):
    type: ClassVar[str] = "employee.hired"


class EmployeeChanged(EmployeeEvent):
    type: ClassVar[str] = "employee.changed"


class EmployeeResigned(EmployeeEvent):
    type: ClassVar[str] = "employee.resigned"
    notice_on: date
    last_day: date
    ends_on: date | None = None
    caretakers: list[str] = Field(
        default=[], description="candidates in order: deputy, manager, heads upward, last resort"
    )


class ResignationChanged(EmployeeEvent):
    type: ClassVar[str] = "resignation.changed"
    notice_on: date
    last_day: date
    ends_on: date | None = None


class ResignationWithdrawn(EmployeeEvent):
    """With the dates that no longer hold."""

    type: ClassVar[str] = "resignation.withdrawn"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None


class EmployeeLeft(EmployeeEvent):
    type: ClassVar[str] = "employee.left"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date
    caretakers: list[str] = []


class DepartureReversed(EmployeeEvent):
    """With the dates that no longer hold."""

    type: ClassVar[str] = "departure.reversed"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date | None = None


class DepartureHeld(EmployeeEvent):
    """The brake held this departure for a person to confirm. `freeze` asks for the ground `hold` in the meantime."""

    type: ClassVar[str] = "departure.held"
    hold_id: str
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date | None = None
    freeze: bool = False
    caretakers: list[str] = []


class DepartureRejected(EmployeeEvent):
    """A held departure was rejected (or confirmed, then `employee.resigned` or `employee.left` follows): its ground goes."""

    type: ClassVar[str] = "departure.rejected"
    hold_id: str


class EmployeeRehired(EmployeeEvent):
    type: ClassVar[str] = "employee.rehired"


class EmployeeErased(EmployeeEvent):
    """Who this was is gone from `staff`, and is to go everywhere; the ids stay, and never come back to work."""

    type: ClassVar[str] = "employee.erased"
    employment_ids: list[str] = []


class DepartmentChanged(Event):
    type: ClassVar[str] = "department.changed"
    aggregate: ClassVar[str] = "department"
    department_id: str
    name: str
    parent_id: str | None = None
    head_id: str | None = None


class PolicyPublished(Event):
    """A version of a policy, whole but for its texts. `grace_days` are for those hired before `published_on`."""

    type: ClassVar[str] = "policy.published"
    aggregate: ClassVar[str] = "policy"
    policy_id: str
    version: int
    published_on: date
    effective_on: date
    grace_days: int
    required_for_access: bool
    applies_to: list[str] = Field(default=[], description="departments, with those below; of all, if empty")


class PolicyAcknowledged(Event):
    """Binds to exactly this version. A policy that was `declined` is not acknowledged."""

    type: ClassVar[str] = "policy.acknowledged"
    aggregate: ClassVar[str] = "employee"
    employee_id: str
    employment_id: str
    policy_id: str
    version: int
    state: Literal["acknowledged", "declined"]


EMPLOYEE_EVENTS = list_messages(globals(), EmployeeEvent)
MESSAGES = list_messages(globals(), Message)
