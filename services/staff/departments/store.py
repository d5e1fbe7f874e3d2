"""Departments as they are kept, and the organisation as a caller may see it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.database import UnitOfWork
from shared.paging import Paging

DEPARTMENT_FIELDS = "id, version, name, parent_id, head_id"

IS_VISIBLE = "(:everything OR id IN (SELECT id FROM headed))"


async def get_visible_department(work: UnitOfWork, id: str, everything: bool) -> Mapping[str, Any] | None:
    """A department that the caller may know about: any, or only what they head and what is below."""
    return await work.fetch_row(
        f"{HEADED_DEPARTMENTS} SELECT {DEPARTMENT_FIELDS} FROM departments WHERE id = :id AND {IS_VISIBLE}",
        id=id,
        sub=work.actor,
        everything=everything,
    )


async def get_department(work: UnitOfWork, id: str, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.fetch_row(
        f"SELECT {DEPARTMENT_FIELDS}, body_hash, imported FROM departments WHERE id = :id"
        + (" FOR UPDATE" if lock else ""),
        id=id,
    )


async def list_visible_departments(
    work: UnitOfWork, paging: Paging, parent_id: str | None, everything: bool
) -> Sequence[Mapping[str, Any]]:
    return await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS} SELECT {DEPARTMENT_FIELDS} FROM departments
        WHERE id > :after AND (CAST(:parent_id AS text) IS NULL OR parent_id = :parent_id) AND {IS_VISIBLE}
        ORDER BY id LIMIT :fetch
        """,
        sub=work.actor,
        everything=everything,
        after=paging.after[0] if paging.after else "",
        parent_id=parent_id,
        fetch=paging.fetch,
    )


async def insert_departments(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> set[str]:
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


async def update_departments(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
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


async def list_existing_departments(work: UnitOfWork, ids: Sequence[str | None]) -> set[str]:
    wanted = [id for id in ids if id]
    return {row["id"] for row in await work.fetch_rows("SELECT id FROM departments WHERE id = ANY(:ids)", ids=wanted)}


async def list_organisation(
    work: UnitOfWork, everything: bool
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Departments with the state of their head, and who works in them: `{id, department_id, status, functions}`.

    All of them, or only what the caller heads and what is below; the topmost of these have no `parent_id` then.
    """
    departments = await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS} SELECT d.id, d.name, d.head_id, h.status AS head_status,
               CASE WHEN :everything OR d.parent_id IN (SELECT id FROM headed) THEN d.parent_id END AS parent_id
        FROM departments d LEFT JOIN employees h ON h.id = d.head_id
        WHERE :everything OR d.id IN (SELECT id FROM headed) ORDER BY d.id
        """,
        sub=work.actor,
        everything=everything,
    )
    people = await work.fetch_rows(
        f"""
        {HEADED_DEPARTMENTS} SELECT id, department_id, manager_id, status, position, functions FROM employees
        WHERE status <> 'left' AND (:everything OR department_id IN (SELECT id FROM headed)) ORDER BY id
        """,
        sub=work.actor,
        everything=everything,
    )
    return departments, people


HEADED_DEPARTMENTS = """
    WITH RECURSIVE headed (id) AS (
        SELECT id FROM departments WHERE head_id = :sub
        UNION
        SELECT d.id FROM departments d JOIN headed ON d.parent_id = headed.id
    )
"""


async def lock_hierarchy(work: UnitOfWork) -> None:
    """Changes of who is above whom go one by one, so that two of them cannot close a circle together."""
    await work.execute("SELECT pg_advisory_xact_lock(7284)")


async def is_ancestor(work: UnitOfWork, table: str, up: str, id: str, start: str) -> bool:
    """Whether `id` is `start` or stands above it. `table` and `up` are our own words."""
    return bool(
        await work.fetch_value(
            f"""
            WITH RECURSIVE above (id) AS (
                SELECT CAST(:start AS text)
                UNION
                SELECT t.{up} FROM above JOIN {table} t ON t.id = above.id WHERE t.{up} IS NOT NULL
            ) SELECT EXISTS (SELECT 1 FROM above WHERE id = :id)
            """,
            id=id,
            start=start,
        )
    )
