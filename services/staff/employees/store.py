"""Employees: locked with all that a decision needs, written with what became of them, read as far as a caller may see."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from asyncpg import Connection
from pydantic import JsonValue, TypeAdapter

from services.staff.departments.store import FIRST, HEADED_DEPARTMENTS
from services.staff.employees import rules
from shared.auth import Principal
from shared.database import UnitOfWork, bind_named
from shared.paging import Paging
from shared.people.rules import ERASED_TEXT

EMPLOYEE_ADAPTER = TypeAdapter(rules.Employee)  # between an employee and a row, of which each field is a column


def _employee_from_row(row: Mapping[str, Any]) -> rules.Employee:
    return EMPLOYEE_ADAPTER.validate_python(row)


def dump_employee(employee: rules.Employee) -> dict[str, JsonValue]:
    """The employee as JSON has it."""
    dumped: dict[str, JsonValue] = EMPLOYEE_ADAPTER.dump_python(employee, mode="json")
    return dumped


@dataclass(frozen=True)
class LockedEmployee:
    """An employee under lock; `head_ids` of the departments upward; the open hold; what is compared and never public."""

    employee: rules.Employee
    head_ids: tuple[str, ...]
    hold_id: str | None
    body_hash: bytes | None
    last_imported_row: Mapping[str, object] | None
    is_erased: bool


async def lock_employees(work: UnitOfWork, ids: Iterable[str]) -> dict[str, LockedEmployee]:
    """Those of these employees who exist, locked in id order."""
    rows = await work.fetch_rows(
        """
        SELECT e.*, h.id AS hold_id,
               (WITH RECURSIVE up (parent_id, head_id, distance) AS (
                    SELECT d.parent_id, d.head_id, 0 FROM departments d WHERE d.id = e.department_id
                    UNION ALL
                    SELECT d.parent_id, d.head_id, up.distance + 1 FROM up JOIN departments d ON d.id = up.parent_id
                    WHERE up.distance < 50
                ) SELECT array_agg(head_id ORDER BY distance) FROM up WHERE head_id IS NOT NULL) AS heads
        FROM employees e LEFT JOIN holds h ON h.employee_id = e.id AND h.state = 'held'
        WHERE e.id = ANY(:ids) ORDER BY e.id FOR UPDATE OF e
        """,
        ids=sorted(set(ids)),
    )
    return {
        row["id"]: LockedEmployee(
            employee=_employee_from_row(row),
            head_ids=tuple(row["heads"] or ()),
            hold_id=row["hold_id"],
            body_hash=row["body_hash"],
            last_imported_row=row["imported"],
            is_erased=row["erased_at"] is not None,
        )
        for row in rows
    }


# All that `update_employees` sets, and what `insert_employees` does.
COLUMNS = [field.name for field in fields(rules.Employee) if field.name not in ("id", "version")]
INSERT_EMPLOYEES = f"""
    INSERT INTO employees (id, {", ".join(COLUMNS)}, body_hash, imported)
    SELECT id, {", ".join(COLUMNS)}, CAST(:body_hash AS bytea), imported
    FROM jsonb_populate_recordset(CAST(NULL AS employees), CAST(:employees AS jsonb))
    ON CONFLICT (id) DO NOTHING RETURNING id
"""
UPDATE_EMPLOYEES = f"""
    UPDATE employees e SET version = e.version + 1, imported = coalesce(r.imported, e.imported),
           {", ".join(f"{name} = r.{name}" for name in COLUMNS)}
    FROM jsonb_populate_recordset(CAST(NULL AS employees), CAST(:employees AS jsonb)) r WHERE e.id = r.id
"""


async def insert_employees(
    work: UnitOfWork,
    employees: Iterable[rules.Employee],
    body_hash: bytes | None = None,
    imported_rows: Mapping[str, Mapping[str, object]] | None = None,
) -> set[str]:
    """`imported_rows`: by id the row of the file. Returns the ids that were new."""
    inserted = await work.fetch_values(
        INSERT_EMPLOYEES, employees=_dump_employees(employees, imported_rows), body_hash=body_hash
    )
    return set(inserted)


async def update_employees(
    work: UnitOfWork,
    employees: Iterable[rules.Employee],
    imported_rows: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """Sets all fields of these employees, who are locked, and for those in `imported_rows` the row of the file."""
    await work.execute(UPDATE_EMPLOYEES, employees=_dump_employees(employees, imported_rows))


def _dump_employees(
    employees: Iterable[rules.Employee], imported_rows: Mapping[str, Mapping[str, object]] | None
) -> str:
    imported_rows = imported_rows or {}
    return json.dumps(
        [{**dump_employee(employee), "imported": imported_rows.get(employee.id)} for employee in employees]
    )


async def insert_life_change(
    work: UnitOfWork, employee_id: str, kind: str, said_at: datetime, reason: str | None
) -> None:
    """Adds to the history how the employment stands now. `reason` is free text that is shown to `hr` only."""
    await work.execute(
        """
        INSERT INTO life_changes (employee_id, employment_id, kind, at, said_at, by_id, status, notice_on, last_day,
                                  ends_on, left_on, reason)
        SELECT id, employment_id, CAST(:kind AS text), CAST(:now AS timestamptz), CAST(:said_at AS timestamptz),
               CAST(:actor AS text), status, notice_on, last_day, ends_on, left_on, CAST(:reason AS text)
        FROM employees WHERE id = :id
        """,
        id=employee_id,
        kind=kind,
        said_at=said_at,
        reason=reason,
    )


async def insert_former_employment(work: UnitOfWork, former: rules.Employee) -> None:
    """The employment as it was when it ended."""
    await work.execute(
        """
        INSERT INTO employments (employment_id, employee_id, hired_on, notice_on, last_day, ends_on, left_on)
        VALUES (:employment_id, :id, :hired_on, :notice_on, :last_day, :ends_on, :left_on)
        """,
        **vars(former),
    )


async def list_manager_ids_by_employee(work: UnitOfWork) -> dict[str, str]:
    """Who has which manager."""
    rows = await work.fetch_rows("SELECT id, manager_id FROM employees WHERE manager_id IS NOT NULL")
    return {row["id"]: row["manager_id"] for row in rows}


async def list_statuses(work: UnitOfWork, ids: Iterable[str | None]) -> dict[str, rules.Status]:
    """Those of these employees who exist, with their status."""
    rows = await work.fetch_rows("SELECT id, status FROM employees WHERE id = ANY(:ids)", ids=[id for id in ids if id])
    return {row["id"]: row["status"] for row in rows}


async def list_last_left_days(work: UnitOfWork, ids: Iterable[str]) -> dict[str, date]:
    """When the last of their earlier employments ended; without those who have none."""
    sql = "SELECT employee_id, max(left_on) AS day FROM employments WHERE employee_id = ANY(:ids) GROUP BY employee_id"
    return {row["employee_id"]: row["day"] for row in await work.fetch_rows(sql, ids=list(ids))}


# -- freezes -----------------------------------------------------------------------------------------------------------


async def upsert_frozen_access(work: UnitOfWork, employee_id: str, employment_id: str | None) -> None:
    await work.execute(
        """
        INSERT INTO frozen_access (employee_id, employment_id) VALUES (:id, :employment)
        ON CONFLICT (employee_id) DO UPDATE SET employment_id = excluded.employment_id
        """,
        id=employee_id,
        employment=employment_id,
    )


async def delete_frozen_access(work: UnitOfWork, employee_id: str, employment_id: str | None) -> None:
    await work.execute(
        "DELETE FROM frozen_access WHERE employee_id = :id AND employment_id = :employment",
        id=employee_id,
        employment=employment_id,
    )


async def are_roles_frozen(connection: Connection, sub: str) -> bool:
    """Whether this caller has no role but `employee`: leaving, left, or frozen in `clients`."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM employees WHERE id = :sub AND status <> 'active')
            OR EXISTS (SELECT 1 FROM frozen_access f LEFT JOIN employees e ON e.id = f.employee_id
                       WHERE f.employee_id = :sub AND coalesce(e.employment_id, f.employment_id) = f.employment_id)
    """
    return bool(await connection.fetchval(*bind_named(sql, sub=sub)))


# -- what callers may see ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EmployeeVisibility:
    """Whom a caller may know of (everybody, those in the departments that they head, or themselves), and whose name."""

    sees_all: bool
    sees_all_names: bool
    sees_headed: bool

    @classmethod
    def of(cls, principal: Principal) -> "EmployeeVisibility":
        return cls(
            sees_all=principal.has("hr", "director", "service", "ops"),
            sees_all_names=principal.has("hr", "director", "service"),
            sees_headed=principal.has("sales_head"),
        )


async def list_visible_employees(
    work: UnitOfWork,
    visibility: EmployeeVisibility,
    *,
    id: str | None = None,
    status: str | None = None,
    department_id: str | None = None,
    manager_id: str | None = None,
    function: str | None = None,
    paging: Paging = FIRST,
) -> list[rules.Employee]:
    """Whom this caller may know about, by id. Name and address are empty where they may not see them."""
    rows = await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS}
        SELECT e.*, (:sees_all_names OR e.id = :actor OR h.id IS NOT NULL) AS shows_names
        FROM employees e LEFT JOIN headed h ON :sees_headed AND h.id = e.department_id
        WHERE (:sees_all OR e.id = :actor OR h.id IS NOT NULL)
          AND (CAST(:id AS text) IS NULL OR e.id = :id)
          AND (CAST(:status AS text) IS NULL OR e.status = :status)
          AND (CAST(:department_id AS text) IS NULL OR e.department_id = :department_id)
          AND (CAST(:manager_id AS text) IS NULL OR e.manager_id = :manager_id)
          AND (CAST(:function AS text) IS NULL OR e.functions ? :function)
          AND e.id > :after
        ORDER BY e.id LIMIT :fetch
        """,
        **vars(visibility),
        id=id,
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        **paging.bounds,
    )
    hidden = {"name": "", "email": ""}
    return [_employee_from_row(row if row["shows_names"] else {**row, **hidden}) for row in rows]


async def lock_employees_after(work: UnitOfWork, after: str, limit: int) -> list[rules.Employee]:
    """By id, locked, so that no newer state gets a lower sequence."""
    rows = await work.fetch_rows(
        "SELECT * FROM employees WHERE id > :after ORDER BY id LIMIT :limit FOR UPDATE", after=after, limit=limit
    )
    return [_employee_from_row(row) for row in rows]


# -- erasure -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EmployeeWithEmployments:
    employee: rules.Employee
    employment_ids: list[str]


async def lock_erased_ids_after(work: UnitOfWork, after: str, limit: int) -> list[str]:
    """Of employees who were erased, in order, locked."""
    return await work.fetch_values(
        "SELECT id FROM employees WHERE erased_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit FOR UPDATE",
        after=after,
        limit=limit,
    )


async def list_employees_with_employments(work: UnitOfWork, ids: Iterable[str]) -> list[EmployeeWithEmployments]:
    """These employees with all their employments."""
    rows = await work.fetch_rows(
        """
        SELECT e.*, ARRAY(SELECT f.employment_id FROM employments f WHERE f.employee_id = e.id ORDER BY f.employment_id)
               || e.employment_id AS employment_ids
        FROM employees e WHERE e.id = ANY(:ids) ORDER BY e.id
        """,
        ids=list(ids),
    )
    return [EmployeeWithEmployments(_employee_from_row(row), row["employment_ids"]) for row in rows]


async def erase_profile_and_reasons(work: UnitOfWork, employee_id: str) -> int:
    """Empties all that says who this is, and why something was said of them or by them: of how many changes."""
    await work.execute(
        """
        UPDATE employees SET version = version + 1, name = :name, email = '', position = NULL, functions = '{}',
               regions = '[]', languages = '[]', absences = '[]', hris_absences = '{}', rehired = NULL, said = '{}',
               body_hash = NULL, imported = NULL, erased_at = :now
        WHERE id = :id
        """,
        id=employee_id,
        name=ERASED_TEXT,
    )
    return await work.execute(
        "UPDATE life_changes SET reason = NULL WHERE :id IN (employee_id, by_id) AND reason IS NOT NULL", id=employee_id
    )
