"""What a person, the HRIS or a file says of an employee, checked field by field."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.staff.employees.rules import Employee, EmployeeFacts, get_facts
from shared.http.fields import Body, Day, Effort, ShortText
from shared.ids import Id

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", max_length=254)]

Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]

Labels = Annotated[list[Label], Field(max_length=200)]

Functions = Annotated[dict[Id, Effort], Field(max_length=100, description="capacity in effort points by function")]

Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]


class EmployeeFields(BaseModel):
    """What must be said of a new employee, and what may be."""

    name: ShortText
    email: Email
    position: ShortText | None = None
    department_id: Id | None = None
    manager_id: Id | None = None
    functions: Functions = {}
    regions: Labels = []
    languages: Labels = []
    hired_on: Day

    def to_employee(self, id: str, employment_id: str) -> Employee:
        return Employee(id=id, employment_id=employment_id, **{name: getattr(self, name) for name in EMPLOYEE_FIELDS})


EMPLOYEE_FIELDS = tuple(EmployeeFields.model_fields)


class NewEmployeeBody(EmployeeFields, Body):
    id: Id | None = None


class EmployeeChangesBody(EmployeeFields, Body):
    """Fields that are not given stay as they are."""

    name: ShortText = ""
    email: Email = ""
    hired_on: Day = Field(default_factory=lambda: date.min)


def get_given_facts(given: EmployeeFields) -> EmployeeFacts:
    """The fields that were given, also those that were given as null."""
    return get_facts(given, given.model_fields_set.intersection(EMPLOYEE_FIELDS))
