"""What a person or the HRIS says about an employee, checked field by field."""

import hashlib
import json
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.staff.domain.person import Person
from shared.http.fields import Body, Day, Effort, Line
from shared.ids import Id

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", max_length=254)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
Words = Annotated[list[Word], Field(max_length=200)]
Functions = Annotated[dict[Id, Effort], Field(max_length=100, description="capacity in effort points by function")]
Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]


class EmployeeFields(BaseModel):
    """What is told of a new employee."""

    name: Line
    email: Email
    position: Line | None = None
    department_id: Id | None = None
    manager_id: Id | None = None
    functions: Functions = {}
    regions: Words = []
    languages: Words = []
    hired_on: Day


class NewEmployee(Body, EmployeeFields):
    id: Id | None = None


class EmployeeChanges(Body):
    """Fields that are not given stay as they are."""

    name: Line = ""
    email: Email = ""
    position: Line | None = None
    department_id: Id | None = None
    manager_id: Id | None = None
    functions: Functions = {}
    regions: Words = []
    languages: Words = []
    hired_on: Day | None = None

    @model_validator(mode="after")
    def _nothing_is_emptied(self) -> "EmployeeChanges":
        if "hired_on" in self.model_fields_set and self.hired_on is None:
            raise ValueError("hired_on cannot be empty")
        return self


class NewDepartment(Body):
    id: Id
    name: Line
    parent_id: Id | None = None
    head_id: Id | None = None


class DepartmentChanges(Body):
    """Fields that are not given stay as they are."""

    name: Line = ""
    parent_id: Id | None = None
    head_id: Id | None = None


class Resignation(Body):
    """`last_day` is the last working day, `ends_on` the end of the contract."""

    notice_on: Day | None = None
    last_day: Day
    ends_on: Day | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Resignation":
        if self.notice_on is not None and self.notice_on > self.last_day:
            raise ValueError("notice_on must not be after last_day")
        if self.ends_on is not None and self.ends_on < self.last_day:
            raise ValueError("ends_on must not be before last_day")
        return self


def hash_of(body: BaseModel) -> bytes:
    """By which a repeated creation is told from another one of the same id."""
    return hashlib.sha256(json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()).digest()


def person_from(fields: EmployeeFields, id: str, employment_id: str) -> Person:
    return Person(id=id, employment_id=employment_id, **{name: getattr(fields, name) for name in EMPLOYEE_FIELDS})


EMPLOYEE_FIELDS = tuple(EmployeeFields.model_fields)
