"""Departments, and the look at the whole organisation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.staff import DepartmentChanged
from shared.database import UnitOfWork
from shared.http.fields import Paging

FIELDS = "id, version, name, parent_id, head_id"


async def get(work: UnitOfWork, id: str, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.row(
        f"SELECT {FIELDS}, body_hash, imported FROM departments WHERE id = :id" + (" FOR UPDATE" if lock else ""),
        id=id,
    )


async def listed(work: UnitOfWork, paging: Paging, parent_id: str | None) -> Sequence[Mapping[str, Any]]:
    return await work.rows(
        f"""
        SELECT {FIELDS} FROM departments
        WHERE id > :after AND (CAST(:parent_id AS text) IS NULL OR parent_id = :parent_id)
        ORDER BY id LIMIT :fetch
        """,
        after=paging.after[0] if paging.after else "",
        parent_id=parent_id,
        fetch=paging.fetch,
    )


async def insert(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """`{id, name, parent_id, head_id, body_hash (hex), imported}`; returns the ids that were new."""
    return {
        row["id"]
        for row in await work.rows(
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
    return {row["id"] for row in await work.rows("SELECT id FROM departments WHERE id = ANY(:ids)", ids=wanted)}


def changed(row: Mapping[str, Any]) -> DepartmentChanged:
    return DepartmentChanged(
        department_id=row["id"], name=row["name"], parent_id=row["parent_id"], head_id=row["head_id"]
    )


async def organisation(work: UnitOfWork) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """All departments with the state of their head, and all who work here: `{id, department_id, status, functions}`."""
    departments = await work.rows(
        """
        SELECT d.id, d.name, d.parent_id, d.head_id, h.status AS head_status
        FROM departments d LEFT JOIN employees h ON h.id = d.head_id ORDER BY d.id
        """
    )
    people = await work.rows(
        "SELECT id, department_id, manager_id, status, position, functions FROM employees WHERE status <> 'left' ORDER BY id"
    )
    return departments, people
