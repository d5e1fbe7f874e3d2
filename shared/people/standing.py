"""How somebody stands: working here, frozen, absent, able to own."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from asyncpg import Connection

from shared.contracts.staff import (
    EMPLOYEE_EVENTS,
    DepartmentChanged,
)
from shared.database import UnitOfWork
from shared.errors import Refused, Unprocessable


class NotEmployed(Refused, code="not_employed"):
    """This person does not work here (any more)."""


class Frozen(Refused, code="frozen"):
    """This person's access is frozen."""


class UnknownEmployee(Unprocessable, code="unknown_employee"):
    """No employee with this id has been heard of. Register them in `staff` first; it takes a moment to arrive here."""


async def is_frozen(connection: Connection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: frozen, or left."""
    return bool(await connection.fetchval("SELECT frozen OR status = 'left' FROM people WHERE employee_id = $1", sub))


def today(work: UnitOfWork) -> date:
    """The day that it is where the company works."""
    return work.now.astimezone(ZoneInfo(work.settings.timezone)).date()


def is_absent(person: Mapping[str, Any], day: date) -> bool:
    return any(
        absence["from_day"] <= day.isoformat() <= (absence["until_day"] or "9999-12-31")
        for absence in person["absences"]
    )


def first_eligible(
    rows: Mapping[str, Mapping[str, Any]], candidates: Sequence[str], leaver: str, day: date
) -> str | None:
    """The first candidate who works here, is neither frozen nor absent nor still to be settled, and is not the leaver."""
    for candidate in candidates:
        person = rows.get(candidate)
        if (
            candidate != leaver
            and person
            and works_here(person)
            and not person["frozen"]
            and not person["settling"]
            and not is_absent(person, day)
        ):
            return candidate
    return None


def works_here(person: Mapping[str, Any]) -> bool:
    return person["status"] in ("active", "resigned")


def must_be_able_to_own(rows: Mapping[str, Mapping[str, Any]], employee_id: str) -> None:
    """Raises `UnknownEmployee`, `NotEmployed` or `Frozen` unless this person may be given clients or stages."""
    person = rows.get(employee_id)
    if person is None or (person["status"] is None and not person["frozen"]):
        raise UnknownEmployee
    if person["status"] == "left":
        raise NotEmployed
    if person["frozen"] or person["settling"]:
        raise Frozen


def heads_of(alias: str) -> str:
    """SQL: does `:actor` head the department of the person row `alias`, or one above it?"""
    return f"EXISTS (SELECT 1 FROM heads WHERE heads.department_id = {alias}.department_id AND heads.head_id = :actor)"


HEARD_FROM_STAFF = (*EMPLOYEE_EVENTS, DepartmentChanged)
