"""An employee with the current employment, as plain data; and the public part of it that events carry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from services.staff.domain.absences import HrisAbsences, present_and_future
from shared.contracts.staff import Absence

Status = Literal["active", "resigned", "left"]


@dataclass(frozen=True)
class Rehire:
    """A rehire that was announced at `at` while the employment that it follows had not ended yet."""

    hired_on: date
    at: datetime


@dataclass(frozen=True)
class Person:
    """`said` has, per field, the moment of the news that it comes from; a field that no news has set is absent.

    `opened_at` is the moment of the rehire that opened the employment: older news is of an earlier employment.
    """

    id: str
    employment_id: str
    hired_on: date
    name: str = ""
    email: str = ""
    position: str | None = None
    department_id: str | None = None
    manager_id: str | None = None
    deputy_id: str | None = None
    functions: Mapping[str, float] = field(default_factory=dict)
    regions: Sequence[str] = ()
    languages: Sequence[str] = ()
    absences: Sequence[Absence] = ()
    hris_absences: HrisAbsences = field(default_factory=HrisAbsences)
    status: Status = "active"
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    left_on: date | None = None
    opened_at: datetime | None = None
    rehired: Rehire | None = None
    said: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 1


def public_state(person: Person, today: date) -> dict[str, Any]:
    """What every event about an employee carries. Absences that are over are left out."""
    return {
        "employee_id": person.id,
        "employment_id": person.employment_id,
        "status": person.status,
        "department_id": person.department_id,
        "manager_id": person.manager_id,
        "deputy_id": person.deputy_id,
        "functions": dict(person.functions),
        "regions": list(person.regions),
        "languages": list(person.languages),
        "hired_on": person.hired_on,
        "absences": present_and_future(person.absences, person.hris_absences, today),
    }


def caretakers(person: Person, heads: Iterable[str], last_resort: str | None) -> list[str]:
    """Candidates in order: deputy, manager, `heads` of the departments upward, last resort; each once, never the leaver."""
    wanted = (person.deputy_id, person.manager_id, *heads, last_resort)
    return list(dict.fromkeys(id for id in wanted if id and id != person.id))
