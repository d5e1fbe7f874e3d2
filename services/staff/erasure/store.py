"""What was erased of whom, and for whom a legal hold stands in the way."""

import json
from collections.abc import Mapping

from services.staff.erasure import rules
from shared.database import UnitOfWork


async def upsert_erasure(
    work: UnitOfWork,
    employee_id: str,
    service: str,
    emptied_counts: Mapping[str, int],
    reason: str | None = None,
    is_held: bool = False,
) -> None:
    """What a service says. Said again, after a restore: what was found then is added."""
    await work.execute(
        """
        INSERT INTO erasures AS e (employee_id, service, at, by_id, reason, what, held)
        VALUES (:id, :service, :now, :actor, :reason, CAST(:what AS jsonb), :held)
        ON CONFLICT (employee_id, service) DO UPDATE SET held = excluded.held, what = (
            SELECT coalesce(jsonb_object_agg(kind, number), '{}') FROM (
                SELECT kind, sum(CAST(number AS bigint)) AS number
                FROM (SELECT * FROM jsonb_each_text(e.what) UNION ALL SELECT * FROM jsonb_each_text(excluded.what))
                     AS both_of (kind, number) GROUP BY kind) summed)
        """,
        id=employee_id,
        service=service,
        reason=reason,
        what=json.dumps(emptied_counts),
        held=is_held,
    )


async def list_service_erasures(work: UnitOfWork, employee_id: str) -> list[rules.ServiceErasure]:
    return await work.fetch_all(
        rules.ServiceErasure,
        """
        SELECT service, at, by_id, reason, what AS emptied_counts, held AS is_held
        FROM erasures WHERE employee_id = :id ORDER BY at, service
        """,
        id=employee_id,
    )


async def insert_legal_hold(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("INSERT INTO legal_holds (employee_id) VALUES (:id) ON CONFLICT DO NOTHING", id=employee_id)


async def delete_legal_hold(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("DELETE FROM legal_holds WHERE employee_id = :id", id=employee_id)


async def exists_legal_hold(work: UnitOfWork, employee_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM legal_holds WHERE employee_id = :id", id=employee_id))
