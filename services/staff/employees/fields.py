"""What a person, the HRIS or a file says of an employee, checked field by field."""

import hashlib
import json
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from services.staff.employees import rules
from shared.http.fields import Body, Day, Effort, Line
from shared.ids import Id

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", max_length=254)]

ShortText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]

ShortTexts = Annotated[list[ShortText], Field(max_length=200)]

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
    regions: ShortTexts = []
    languages: ShortTexts = []
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
    regions: ShortTexts = []
    languages: ShortTexts = []
    hired_on: Day | None = None

    @model_validator(mode="after")
    def _nothing_is_emptied(self) -> "EmployeeChanges":
        if "hired_on" in self.model_fields_set and self.hired_on is None:
            raise ValueError("hired_on cannot be empty")
        return self


def hash_body(body: BaseModel) -> bytes:
    """By which a repeated creation is told from another one of the same id."""
    return hashlib.sha256(json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()).digest()


def build_employee(fields: EmployeeFields, id: str, employment_id: str) -> rules.Employee:
    return rules.Employee(
        id=id, employment_id=employment_id, **{name: getattr(fields, name) for name in EMPLOYEE_FIELDS}
    )


EMPLOYEE_FIELDS = tuple(EmployeeFields.model_fields)
