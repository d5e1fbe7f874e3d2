"""What an HRIS can tell us, whichever vendor it is of: one class per type of message, and when it was said."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from services.staff.departures.fields import ResignationBody
from services.staff.employees.fields import EmployeeChangesBody, EmployeeFields, Reason
from shared.http.fields import Day
from shared.ids import Id


class EmployeeMessage(BaseModel):
    """What is not known is ignored, so that an HRIS may say more than we need."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    employee_id: Id


class EmployeeHiredMessage(EmployeeFields, EmployeeMessage):
    """As `POST /employees`; the id stands in `id`, or in `employee_id` as everywhere else."""

    type: ClassVar[str] = "employee.hired"
    employee_id: Id = Field(validation_alias=AliasChoices("id", "employee_id"))


class EmployeeUpdatedMessage(EmployeeChangesBody, EmployeeMessage):
    type: ClassVar[str] = "employee.updated"


class EmployeeResignedMessage(ResignationBody, EmployeeMessage):
    type: ClassVar[str] = "employee.resigned"


class ResignationChangedMessage(ResignationBody, EmployeeMessage):
    type: ClassVar[str] = "resignation.changed"


class ResignationWithdrawnMessage(EmployeeMessage):
    type: ClassVar[str] = "resignation.withdrawn"


class EmployeeLeftMessage(EmployeeMessage):
    type: ClassVar[str] = "employee.left"
    on: Day
    reason: Reason | None = None


class DepartureReversedMessage(EmployeeMessage):
    type: ClassVar[str] = "departure.reversed"
    reason: Reason


class EmployeeRehiredMessage(EmployeeMessage):
    type: ClassVar[str] = "employee.rehired"
    hired_on: Day


class EmployeeAbsentMessage(EmployeeMessage):
    type: ClassVar[str] = "employee.absent"
    from_day: Day = Field(validation_alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "EmployeeAbsentMessage":
        if self.until is not None and self.until < self.from_day:
            raise ValueError("until must not be before from")
        return self


class EmployeeBackMessage(EmployeeMessage):
    type: ClassVar[str] = "employee.back"
    from_day: Day | None = Field(default=None, validation_alias="from")
    until: Day | None = None


AttributesMessage = EmployeeHiredMessage | EmployeeUpdatedMessage
AbsenceMessage = EmployeeAbsentMessage | EmployeeBackMessage
LifeMessage = (
    EmployeeResignedMessage
    | ResignationChangedMessage
    | ResignationWithdrawnMessage
    | EmployeeLeftMessage
    | DepartureReversedMessage
    | EmployeeRehiredMessage
)


MessageContent = AttributesMessage | AbsenceMessage | LifeMessage


@dataclass(frozen=True)
class HrisMessage:
    """A message that can be acted on, said at `at`."""

    at: datetime
    content: MessageContent


@dataclass(frozen=True)
class UnusableMessage:
    """A message that cannot be acted on: `ignored` (of a type that is not known) or `refused`. `errors` name fields."""

    outcome: Literal["ignored", "refused"]
    type: str | None = None
    errors: tuple[str, ...] = ()
    employee_id: str | None = None
