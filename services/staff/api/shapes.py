"""What callers see of an employee."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.staff.domain.absences import HrisAbsences, according_to_hris
from services.staff.domain.announcements import notice_of
from services.staff.domain.person import Person
from services.staff.store.people import person_of
from shared.contracts.staff import Absence


class AbsenceShown(BaseModel):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    absence_id: str
    from_day: date = Field(alias="from")
    until: date | None = None


class Employee(BaseModel):
    """`name` and `email` are shown to `hr`, `director`, `service`, the person, and the heads above them; else null."""

    id: str
    name: str | None
    email: str | None
    position: str | None
    department_id: str | None
    manager_id: str | None
    deputy_id: str | None
    functions: dict[str, float]
    regions: list[str]
    languages: list[str]
    hired_on: date
    employment_id: str
    status: Literal["active", "resigned", "left"]
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None
    absences: list[AbsenceShown]
    version: int


def shown(person: Person, names: bool = True) -> dict[str, Any]:
    return {
        **{name: getattr(person, name) for name in Employee.model_fields if name != "absences"},
        "name": person.name if names else None,
        "email": (person.email or None) if names else None,
        "functions": dict(person.functions),
        "notice_on": notice_of(person),
        "absences": [absence_shown(absence) for absence in (*person.absences, *_hris(person.hris_absences))],
    }


def shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return shown(person_of(row), row["names"])


def absence_shown(absence: Absence) -> dict[str, Any]:
    return {"absence_id": absence.absence_id, "from": absence.from_day, "until": absence.until_day}


def _hris(absences: HrisAbsences) -> list[Absence]:
    return according_to_hris(absences)
