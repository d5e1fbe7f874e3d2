"""Departments as they are kept, and as a caller may see them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from services.staff.departments import rules
from shared.advisory_locks import AdvisoryLock
from shared.database import UnitOfWork
from shared.paging import Paging

DEPARTMENT_COLUMNS = "id, name, parent_id, head_id, version"
FIRST = Paging(1, None)

# The departments that the caller heads, with those below.
HEADED_DEPARTMENTS = """
    WITH RECURSIVE headed (id) AS (
        SELECT id FROM departments WHERE head_id = :actor
        UNION
        SELECT d.id FROM departments d JOIN headed ON d.parent_id = headed.id
    )
"""


async def list_visible_departments(
    work: UnitOfWork, sees_all: bool, *, id: str | None = None, parent_id: str | None = None, paging: Paging = FIRST
) -> list[rules.Department]:
    """By id: all departments, or only what the caller heads and what is below."""
    return await work.fetch_all(
        rules.Department,
        f"""
        {HEADED_DEPARTMENTS} SELECT {DEPARTMENT_COLUMNS} FROM departments
        WHERE id > :after AND (CAST(:id AS text) IS NULL OR id = :id)
          AND (CAST(:parent_id AS text) IS NULL OR parent_id = :parent_id)
          AND (:sees_all OR id IN (SELECT id FROM headed))
        ORDER BY id LIMIT :fetch
        """,
        sees_all=sees_all,
        id=id,
        parent_id=parent_id,
        **paging.bounds,
    )


async def list_departments_for_chart(work: UnitOfWork, sees_all: bool) -> list[rules.DepartmentInChart]:
    """All departments, or only what the caller heads and what is below: the topmost of these have no `parent_id` then."""
    return await work.fetch_all(
        rules.DepartmentInChart,
        f"""
        {HEADED_DEPARTMENTS} SELECT d.id, d.name, d.head_id, h.status AS head_status,
               CASE WHEN :sees_all OR d.parent_id IN (SELECT id FROM headed) THEN d.parent_id END AS parent_id
        FROM departments d LEFT JOIN employees h ON h.id = d.head_id
        WHERE :sees_all OR d.id IN (SELECT id FROM headed) ORDER BY d.id
        """,
        sees_all=sees_all,
    )


async def list_employee_places_by_department(
    work: UnitOfWork, sees_all: bool
) -> dict[str | None, list[rules.EmployeePlace]]:
    """Everybody who works here and whom the caller may see, by department."""
    places: dict[str | None, list[rules.EmployeePlace]] = {}
    for row in await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS} SELECT id AS employee_id, department_id, manager_id, status, position, functions
        FROM employees
        WHERE status <> 'left' AND (:sees_all OR department_id IN (SELECT id FROM headed)) ORDER BY id
        """,
        sees_all=sees_all,
    ):
        department_id = row["department_id"]
        place = rules.EmployeePlace(**{name: value for name, value in row.items() if name != "department_id"})
        places.setdefault(department_id, []).append(place)
    return places


async def lock_departments(work: UnitOfWork, ids: Sequence[str] | None = None) -> dict[str, rules.LockedDepartment]:
    """Those of these departments that exist, or all of them; by id."""
    return {
        row["id"]: rules.LockedDepartment(
            rules.Department(row["id"], row["name"], row["parent_id"], row["head_id"], row["version"]),
            row["body_hash"],
            row["imported"],
        )
        for row in await work.fetch_rows(
            """
            SELECT * FROM departments WHERE CAST(:ids AS text[]) IS NULL OR id = ANY(:ids) ORDER BY id FOR UPDATE
            """,
            ids=ids,
        )
    }


async def lock_departments_after(work: UnitOfWork, after: str, limit: int) -> list[rules.Department]:
    """By id, locked, so that no newer state gets a lower sequence."""
    return await work.fetch_all(
        rules.Department,
        f"SELECT {DEPARTMENT_COLUMNS} FROM departments WHERE id > :after ORDER BY id LIMIT :limit FOR SHARE",
        after=after,
        limit=limit,
    )


async def list_existing_departments(work: UnitOfWork, ids: Iterable[str | None]) -> set[str]:
    """Which of these departments exist."""
    return set(await work.fetch_values("SELECT id FROM departments WHERE id = ANY(:ids)", ids=[id for id in ids if id]))


async def insert_departments(
    work: UnitOfWork,
    departments: Iterable[rules.Department],
    body_hash: bytes | None = None,
    imported_rows: Mapping[str, Mapping[str, object]] | None = None,
) -> set[str]:
    """`imported_rows`: by id the row of the file. Returns the ids that were new."""
    inserted = await work.fetch_values(
        """
        INSERT INTO departments (id, name, parent_id, head_id, body_hash, imported)
        SELECT id, name, parent_id, head_id, CAST(:body_hash AS bytea), imported
        FROM jsonb_populate_recordset(CAST(NULL AS departments), CAST(:departments AS jsonb))
        ON CONFLICT (id) DO NOTHING RETURNING id
        """,
        departments=_dump_departments(departments, imported_rows),
        body_hash=body_hash,
    )
    return set(inserted)


async def update_departments(
    work: UnitOfWork,
    departments: Iterable[rules.Department],
    imported_rows: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """Sets all of these fields, and for those in `imported_rows` the row of the file."""
    await work.execute(
        """
        UPDATE departments d SET version = d.version + 1, name = r.name, parent_id = r.parent_id, head_id = r.head_id,
               imported = coalesce(r.imported, d.imported)
        FROM jsonb_populate_recordset(CAST(NULL AS departments), CAST(:departments AS jsonb)) r WHERE d.id = r.id
        """,
        departments=_dump_departments(departments, imported_rows),
    )


def _dump_departments(
    departments: Iterable[rules.Department], imported_rows: Mapping[str, Mapping[str, object]] | None
) -> str:
    imported_rows = imported_rows or {}
    return json.dumps(
        [{**asdict(department), "imported": imported_rows.get(department.id)} for department in departments]
    )


async def lock_employee_status(work: UnitOfWork, employee_id: str) -> str | None:
    """It does not change before this transaction ends. None: there is no such employee."""
    status: str | None = await work.fetch_value("SELECT status FROM employees WHERE id = :id FOR SHARE", id=employee_id)
    return status


async def lock_hierarchy(work: UnitOfWork) -> None:
    """Changes of who is above whom go one by one, so that two of them cannot close a circle together."""
    await work.execute(f"SELECT pg_advisory_xact_lock({AdvisoryLock.HIERARCHY:d})")


PARENT_COLUMNS = {"departments": "parent_id", "employees": "manager_id"}


async def is_same_or_above(
    work: UnitOfWork, hierarchy: Literal["departments", "employees"], id: str, lower_id: str
) -> bool:
    """Whether `id` is `lower_id` or stands above it."""
    parent = PARENT_COLUMNS[hierarchy]
    return bool(
        await work.fetch_value(
            f"""
            WITH RECURSIVE above (id) AS (
                SELECT CAST(:lower_id AS text)
                UNION
                SELECT h.{parent} FROM above JOIN {hierarchy} h ON h.id = above.id WHERE h.{parent} IS NOT NULL
            ) SELECT EXISTS (SELECT 1 FROM above WHERE id = :id)
            """,
            id=id,
            lower_id=lower_id,
        )
    )
