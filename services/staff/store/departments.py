"""Departments, and the look at the whole organisation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.staff.store.reading import HEADED
from shared.contracts.staff import DepartmentChanged
from shared.database import UnitOfWork
from shared.paging import Paging

FIELDS = "id, version, name, parent_id, head_id"


VISIBLE = "(:everything OR id IN (SELECT id FROM headed))"


async def one(work: UnitOfWork, id: str, everything: bool) -> Mapping[str, Any] | None:
    """A department that the caller may know about: any, or only what they head and what is below."""
    return await work.fetch_row(
        f"{HEADED} SELECT {FIELDS} FROM departments WHERE id = :id AND {VISIBLE}",
        id=id,
        sub=work.actor,
        everything=everything,
    )


async def get(work: UnitOfWork, id: str, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        f"SELECT {FIELDS}, body_hash, imported FROM departments WHERE id = :id" + (" FOR UPDATE" if lock else ""),
        id=id,
    )


async def listed(
    work: UnitOfWork, paging: Paging, parent_id: str | None, everything: bool
) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        f"""
        {HEADED} SELECT {FIELDS} FROM departments
        WHERE id > :after AND (CAST(:parent_id AS text) IS NULL OR parent_id = :parent_id) AND {VISIBLE}
        ORDER BY id LIMIT :fetch
        """,
        sub=work.actor,
        everything=everything,
        after=paging.after[0] if paging.after else "",
        parent_id=parent_id,
        fetch=paging.fetch,
    )


async def insert(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """`{id, name, parent_id, head_id, body_hash (hex), imported}`; returns the ids that were new."""
    return {
        row["id"]
        for row in await work.fetch_rows(
            """
            INSERT INTO departments (id, name, parent_id, head_id, body_hash, imported)
            SELECT r.id, r.name, r.parent_id, r.head_id, decode(r.body_hash, 'hex'), r.imported
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
                id text, name text, parent_id text, head_id text, body_hash text, imported jsonb)
            ON CONFLICT (id) DO NOTHING RETURNING id
            """,
            rows=json.dumps(list(rows)),
        )
    }


async def update(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """`{id, name, parent_id, head_id, imported?}`: all of it is set."""
    await work.execute(
        """
        UPDATE departments d SET version = d.version + 1, name = r.name, parent_id = r.parent_id, head_id = r.head_id,
               imported = coalesce(r.imported, d.imported)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (id text, name text, parent_id text, head_id text, imported jsonb)
        WHERE d.id = r.id
        """,
        rows=json.dumps(list(rows)),
    )


async def known(work: UnitOfWork, ids: Sequence[str | None]) -> set[str]:
    wanted = [id for id in ids if id]
    return {row["id"] for row in await work.fetch_rows("SELECT id FROM departments WHERE id = ANY(:ids)", ids=wanted)}


def changed(row: Mapping[str, Any]) -> DepartmentChanged:
    return DepartmentChanged(
        department_id=row["id"], name=row["name"], parent_id=row["parent_id"], head_id=row["head_id"]
    )


async def organisation(
    work: UnitOfWork, everything: bool
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Departments with the state of their head, and who works in them: `{id, department_id, status, functions}`.

    All of them, or only what the caller heads and what is below; the topmost of these have no `parent_id` then.
    """
    departments = await work.fetch_rows(
        f"""
        {HEADED} SELECT d.id, d.name, d.head_id, h.status AS head_status,
               CASE WHEN :everything OR d.parent_id IN (SELECT id FROM headed) THEN d.parent_id END AS parent_id
        FROM departments d LEFT JOIN employees h ON h.id = d.head_id
        WHERE :everything OR d.id IN (SELECT id FROM headed) ORDER BY d.id
        """,
        sub=work.actor,
        everything=everything,
    )
    people = await work.fetch_rows(
        f"""
        {HEADED} SELECT id, department_id, manager_id, status, position, functions FROM employees
        WHERE status <> 'left' AND (:everything OR department_id IN (SELECT id FROM headed)) ORDER BY id
        """,
        sub=work.actor,
        everything=everything,
    )
    return departments, people
