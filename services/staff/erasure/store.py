"""What was erased of whom, and for whom a legal hold stands in the way."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.staff.employees.rules import ERASED_NAME
from shared.database import UnitOfWork

# By whatever `staff` keeps free text or personal data in; docs/erasure.md lists every column.
ERASE_EMPLOYEE = """
    WITH person AS (
        SELECT id, email, jsonb_array_length(absences) AS absences FROM employees WHERE id = :id
    ), emptied AS (
        UPDATE employees SET version = version + 1, name = :nobody, email = '', position = NULL, functions = '{}',
               regions = '[]', languages = '[]', absences = '[]', hris_absences = '{}', rehired = NULL, said = '{}',
               body_hash = NULL, imported = NULL, erased_at = :now
        WHERE id = :id RETURNING 1
    ), changes AS (
        UPDATE life_changes SET reason = NULL WHERE :id IN (employee_id, by_id) AND reason IS NOT NULL RETURNING 1
    ), held AS (
        UPDATE holds SET reason = NULL WHERE employee_id = :id AND reason IS NOT NULL RETURNING 1
    ), signed AS (
        UPDATE acknowledgements SET evidence = NULL, reason = NULL
        WHERE employee_id = :id AND (evidence IS NOT NULL OR reason IS NOT NULL) RETURNING 1
    ), messages AS (
        UPDATE hris_messages m SET body = NULL, outcome = CASE WHEN outcome = 'pending' THEN 'refused' ELSE outcome END,
               reason = CASE WHEN outcome = 'pending' THEN 'erased' ELSE reason END
        FROM person p WHERE m.body IS NOT NULL AND (m.employee_id = p.id OR m.employee_id IS NULL AND (
            position(convert_to('"' || p.id || '"', 'UTF8') IN m.body) > 0
            OR position(convert_to(p.email, 'UTF8') IN m.body) > 0))
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM emptied) AS profile, (SELECT sum(absences) FROM person) AS absences,
           (SELECT count(*) FROM changes) + (SELECT count(*) FROM held)
               + (SELECT count(*) FROM signed) AS reasons,
           (SELECT count(*) FROM messages) AS hris_messages
"""


async def erase_employee(work: UnitOfWork, employee_id: str) -> dict[str, int]:
    """Empties everything that says who this is; how many of each kind. The person is locked."""
    row = await work.fetch_row(ERASE_EMPLOYEE, id=employee_id, nobody=ERASED_NAME, now=work.now)
    return {name: int(number or 0) for name, number in (row or {}).items()}


async def upsert_erasure(
    work: UnitOfWork,
    employee_id: str,
    service: str,
    what: Mapping[str, int],
    reason: str | None = None,
    held: bool = False,
) -> None:
    """What a service says. Said again, after a restore: what was found then is added."""
    await work.execute(
        """
        INSERT INTO erasures AS e (employee_id, service, at, by_id, reason, what, held)
        VALUES (:id, :service, :now, :by, :reason, CAST(:what AS jsonb), :held)
        ON CONFLICT (employee_id, service) DO UPDATE SET held = excluded.held, what = (
            SELECT coalesce(jsonb_object_agg(kind, number), '{}') FROM (
                SELECT kind, sum(CAST(number AS bigint)) AS number
                FROM (SELECT * FROM jsonb_each_text(e.what) UNION ALL SELECT * FROM jsonb_each_text(excluded.what))
                     AS both_of (kind, number) GROUP BY kind) summed)
        """,
        id=employee_id,
        service=service,
        now=work.now,
        by=work.actor,
        reason=reason,
        what=json.dumps(what),
        held=held,
    )


async def list_erasures(work: UnitOfWork, employee_id: str) -> Sequence[Mapping[str, Any]]:
    """A row per service that has erased, `staff` with who asked for it and why."""
    return await work.fetch_rows("SELECT * FROM erasures WHERE employee_id = :id ORDER BY at, service", id=employee_id)


async def insert_legal_hold(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("INSERT INTO legal_holds (employee_id) VALUES (:id) ON CONFLICT DO NOTHING", id=employee_id)


async def delete_legal_hold(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("DELETE FROM legal_holds WHERE employee_id = :id", id=employee_id)


async def exists_legal_hold(work: UnitOfWork, employee_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM legal_holds WHERE employee_id = :id", id=employee_id))


async def list_employees_with_employments(work: UnitOfWork, ids: Iterable[str]) -> Sequence[Mapping[str, Any]]:
    """Of these employees their rows as they stand, with all their employments."""
    return await work.fetch_rows(
        """
        SELECT e.*, ARRAY(SELECT f.employment_id FROM employments f WHERE f.employee_id = e.id ORDER BY f.employment_id)
               || e.employment_id AS employment_ids
        FROM employees e WHERE e.id = ANY(:ids) ORDER BY e.id
        """,
        ids=list(ids),
    )
