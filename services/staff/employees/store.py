"""Employees: locked with all that a decision needs, written with what became of them, read as far as a caller may see."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from asyncpg import Connection

from services.staff.departments.store import HEADED_DEPARTMENTS
from services.staff.employees import rules
from shared.auth import Principal
from shared.contracts.staff import Absence
from shared.database import UnitOfWork, bind_named
from shared.paging import Paging

PLAIN_FIELDS = (
    *("id", "employment_id", "hired_on", "name", "email", "position", "department_id", "manager_id", "deputy_id"),
    *("functions", "regions", "languages", "status", "notice_on", "last_day", "ends_on", "left_on", "opened_at"),
    "version",
)


@dataclass(frozen=True)
class LockedEmployee:
    """A person under lock; `heads` of the departments upward; the open hold; what is compared and never public."""

    person: rules.Employee
    heads: tuple[str, ...]
    hold_id: str | None
    body_hash: bytes | None
    imported: Mapping[str, Any] | None
    erased: bool = False


LOCK_EMPLOYEES = """
    SELECT e.*, h.id AS hold_id,
           (WITH RECURSIVE up (parent_id, head_id, distance) AS (
                SELECT d.parent_id, d.head_id, 0 FROM departments d WHERE d.id = e.department_id
                UNION ALL
                SELECT d.parent_id, d.head_id, up.distance + 1 FROM up JOIN departments d ON d.id = up.parent_id
                WHERE up.distance < 50
            ) SELECT array_agg(head_id ORDER BY distance) FROM up WHERE head_id IS NOT NULL) AS heads
    FROM employees e LEFT JOIN holds h ON h.employee_id = e.id AND h.state = 'held'
    WHERE e.id = ANY(:ids) ORDER BY e.id FOR UPDATE OF e
"""


async def lock_employees(work: UnitOfWork, ids: Iterable[str]) -> dict[str, LockedEmployee]:
    """Those of these employees who exist, locked in id order."""
    return {
        row["id"]: _locked_employee_from_row(row) for row in await work.fetch_rows(LOCK_EMPLOYEES, ids=sorted(set(ids)))
    }


def _locked_employee_from_row(row: Mapping[str, Any]) -> LockedEmployee:
    return LockedEmployee(
        employee_from_row(row),
        tuple(row["heads"] or ()),
        row["hold_id"],
        row["body_hash"],
        row["imported"],
        row["erased_at"] is not None,
    )


def employee_from_row(row: Mapping[str, Any]) -> rules.Employee:
    rehired = row["rehired"]
    return rules.Employee(
        **{name: row[name] for name in PLAIN_FIELDS},
        absences=tuple(Absence.model_validate(absence) for absence in row["absences"]),
        hris_absences=rules.HrisAbsences(
            **{
                kind: {
                    date.fromisoformat(day): rules.AbsenceStatement(
                        until and date.fromisoformat(until), datetime.fromisoformat(at)
                    )
                    for day, (until, at) in said.items()
                }
                for kind, said in row["hris_absences"].items()
            }
        ),
        rehired=rehired
        and rules.PendingRehire(date.fromisoformat(rehired["hired_on"]), datetime.fromisoformat(rehired["at"])),
        said={name: datetime.fromisoformat(at) for name, at in row["said"].items()},
    )


def _row_from_employee(person: rules.Employee) -> dict[str, Any]:
    """The person as parameters of SQL; JSON as text."""
    absences = person.hris_absences
    hris = {
        kind: {str(day): [said.until and str(said.until), said.at.isoformat()] for day, said in known.items()}
        for kind, known in (("absent", absences.absent), ("back", absences.back))
        if known
    }
    rehired = person.rehired and {"hired_on": str(person.rehired.hired_on), "at": person.rehired.at.isoformat()}
    return {
        **{name: getattr(person, name) for name in PLAIN_FIELDS},
        "functions": json.dumps(dict(person.functions)),
        "regions": json.dumps(list(person.regions)),
        "languages": json.dumps(list(person.languages)),
        "absences": json.dumps([absence.model_dump(mode="json") for absence in person.absences]),
        "hris_absences": json.dumps(hris),
        "rehired": rehired and json.dumps(rehired),
        "said": json.dumps({name: at.isoformat() for name, at in person.said.items()}),
    }


@dataclass(frozen=True)
class LifeChange:
    """A line of the life's history. `reason` is free text: it never leaves this table but to `hr`."""

    kind: str
    said_at: datetime
    reason: str | None = None


UPDATE_EMPLOYEE = """
    WITH saved AS (
        UPDATE employees SET
            version = version + 1, name = :name, email = :email, position = :position, department_id = :department_id,
            manager_id = :manager_id, deputy_id = :deputy_id, functions = CAST(:functions AS jsonb),
            regions = CAST(:regions AS jsonb), languages = CAST(:languages AS jsonb),
            absences = CAST(:absences AS jsonb), hris_absences = CAST(:hris_absences AS jsonb),
            employment_id = :employment_id, opened_at = :opened_at, hired_on = :hired_on,
            status = CAST(:status AS text), notice_on = CAST(:notice_on AS date), last_day = CAST(:last_day AS date),
            ends_on = CAST(:ends_on AS date), left_on = CAST(:left_on AS date), rehired = CAST(:rehired AS jsonb),
            said = CAST(:said AS jsonb)
        WHERE id = :id
    ), changed AS (
        INSERT INTO life_changes (employee_id, employment_id, kind, at, said_at, by_id, status, notice_on, last_day,
                                  ends_on, left_on, reason)
        SELECT :id, :employment_id, CAST(:kind AS text), :now, CAST(:said_at AS timestamptz), :by_id,
               CAST(:status AS text), CAST(:notice_on AS date), CAST(:last_day AS date), CAST(:ends_on AS date),
               CAST(:left_on AS date), CAST(:reason AS text)
        WHERE CAST(:kind AS text) IS NOT NULL
    ), former AS (
        INSERT INTO employments (employment_id, employee_id, hired_on, notice_on, last_day, ends_on, left_on)
        SELECT CAST(:f_employment_id AS text), :id, CAST(:f_hired_on AS date), CAST(:f_notice_on AS date),
               CAST(:f_last_day AS date), CAST(:f_ends_on AS date), CAST(:f_left_on AS date)
        WHERE CAST(:f_employment_id AS text) IS NOT NULL
    )
    UPDATE hris_messages SET outcome = 'applied', reason = NULL, awaits = NULL, body = NULL, employee_id = :id
    WHERE id = CAST(:message_id AS text)
"""

FORMER_EMPLOYMENT_FIELDS = ("employment_id", "hired_on", "notice_on", "last_day", "ends_on", "left_on")


async def update_employee(
    work: UnitOfWork,
    person: rules.Employee,
    change: LifeChange | None = None,
    former: rules.FormerEmployment | None = None,
    message_id: str | None = None,
) -> None:
    """Saves the person, the line of history, an employment that ended, and that the HRIS message was applied."""
    await work.execute(
        UPDATE_EMPLOYEE,
        **_row_from_employee(person),
        **{f"f_{name}": former and getattr(former, name) for name in FORMER_EMPLOYMENT_FIELDS},
        kind=change and change.kind,
        said_at=change and change.said_at,
        reason=change and change.reason,
        by_id=work.actor,
        now=work.now,
        message_id=message_id,
    )


INSERT_EMPLOYEES = """
    INSERT INTO employees (id, name, email, position, department_id, manager_id, deputy_id, functions, regions,
                           languages, hired_on, employment_id, said, body_hash, imported)
    SELECT r.id, r.name, r.email, r.position, r.department_id, r.manager_id, r.deputy_id, r.functions, r.regions, r.languages,
           r.hired_on, r.employment_id, r.said, decode(r.body_hash, 'hex'), r.imported
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
        id text, name text, email text, position text, department_id text, manager_id text, deputy_id text,
        functions jsonb, regions jsonb, languages jsonb, hired_on date, employment_id text, said jsonb,
        body_hash text, imported jsonb)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""


async def insert_employees(
    work: UnitOfWork,
    people: Sequence[rules.Employee],
    body_hash: bytes | None = None,
    imported: Mapping[str, Mapping[str, Any]] | None = None,
) -> set[str]:
    """Registers new people, one statement for all; returns the ids of those that were not there yet."""
    rows = []
    for person in people:
        rows.append(
            {
                **dump_attributes(person),
                "employment_id": person.employment_id,
                "body_hash": body_hash and body_hash.hex(),
                "imported": (imported or {}).get(person.id),
            }
        )
    return {row["id"] for row in await work.fetch_rows(INSERT_EMPLOYEES, rows=json.dumps(rows))}


def dump_attributes(person: rules.Employee) -> dict[str, Any]:
    """What may be set of an employee at any time, as JSON has it."""
    plain = ("id", "name", "email", "position", "department_id", "manager_id", "deputy_id")
    return {
        **{name: getattr(person, name) for name in plain},
        "functions": dict(person.functions),
        "regions": list(person.regions),
        "languages": list(person.languages),
        "hired_on": str(person.hired_on),
        "said": {name: at.isoformat() for name, at in person.said.items()},
    }


async def update_attributes(
    work: UnitOfWork, people: Sequence[rules.Employee], imported: Mapping[str, Mapping[str, Any]]
) -> None:
    """Sets the attributes of all of these people, and what was imported last, by one statement."""
    await work.execute(
        """
        UPDATE employees e SET version = e.version + 1, name = r.name, email = r.email, position = r.position,
               department_id = r.department_id, manager_id = r.manager_id, deputy_id = r.deputy_id,
               functions = r.functions, regions = r.regions, languages = r.languages, hired_on = r.hired_on,
               said = r.said, imported = r.imported
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
            id text, name text, email text, position text, department_id text, manager_id text, deputy_id text,
            functions jsonb, regions jsonb, languages jsonb, hired_on date, said jsonb, imported jsonb)
        WHERE e.id = r.id
        """,
        rows=json.dumps([{**dump_attributes(person), "imported": imported[person.id]} for person in people]),
    )


async def list_managers(work: UnitOfWork) -> dict[str, str]:
    """Who has which manager."""
    rows = await work.fetch_rows("SELECT id, manager_id FROM employees WHERE manager_id IS NOT NULL")
    return {row["id"]: row["manager_id"] for row in rows}


async def list_existing_employees(work: UnitOfWork, ids: Iterable[str | None]) -> set[str]:
    """Which of these employees exist."""
    wanted = [id for id in ids if id]
    return {row["id"] for row in await work.fetch_rows("SELECT id FROM employees WHERE id = ANY(:ids)", ids=wanted)}


async def list_last_left_days(work: UnitOfWork, ids: Iterable[str]) -> dict[str, date]:
    """When the last of their earlier employments ended; absent for those who have none."""
    sql = "SELECT employee_id, max(left_on) AS day FROM employments WHERE employee_id = ANY(:ids) GROUP BY employee_id"
    return {row["employee_id"]: row["day"] for row in await work.fetch_rows(sql, ids=list(ids))}


IS_CALLER_FROZEN = """
    SELECT EXISTS (SELECT 1 FROM employees WHERE id = :sub AND status <> 'active')
        OR EXISTS (SELECT 1 FROM frozen_access f LEFT JOIN employees e ON e.id = f.employee_id
                   WHERE f.employee_id = :sub AND coalesce(e.employment_id, f.employment_id) = f.employment_id)
"""


async def is_caller_frozen(connection: Connection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: leaving, left, or frozen in `clients`."""
    return bool(await connection.fetchval(*bind_named(IS_CALLER_FROZEN, sub=sub)))


@dataclass(frozen=True)
class EmployeeVisibility:
    """`all_people`: may know of everybody; `all_names`: also what they are called; `headed`: those in own departments."""

    sub: str
    all_people: bool
    all_names: bool
    headed: bool

    @classmethod
    def of(cls, principal: Principal) -> "EmployeeVisibility":
        return cls(
            sub=principal.sub,
            all_people=principal.has("hr", "director", "service", "ops"),
            all_names=principal.has("hr", "director", "service"),
            headed=principal.has("sales_head"),
        )


async def list_visible_employees(
    work: UnitOfWork,
    sight: EmployeeVisibility,
    *,
    id: str | None = None,
    status: str | None = None,
    department_id: str | None = None,
    manager_id: str | None = None,
    function: str | None = None,
    paging: Paging | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Rows of `employees` that this caller may know about, by id; `names` says whether they may see name and address."""
    return await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS}
        SELECT e.*, (:all_names OR e.id = :sub OR h.id IS NOT NULL) AS names
        FROM employees e LEFT JOIN headed h ON :headed AND h.id = e.department_id
        WHERE (:all_people OR e.id = :sub OR h.id IS NOT NULL)
          AND (CAST(:id AS text) IS NULL OR e.id = :id)
          AND (CAST(:status AS text) IS NULL OR e.status = :status)
          AND (CAST(:department_id AS text) IS NULL OR e.department_id = :department_id)
          AND (CAST(:manager_id AS text) IS NULL OR e.manager_id = :manager_id)
          AND (CAST(:function AS text) IS NULL OR e.functions ? :function)
          AND e.id > :after
        ORDER BY e.id LIMIT :fetch
        """,
        sub=sight.sub,
        all_people=sight.all_people,
        all_names=sight.all_names,
        headed=sight.headed,
        id=id,
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        after=paging.after[0] if paging and paging.after else "",
        fetch=paging.fetch if paging else 1,
    )
