"""Clients that `clients` has told of, each with its owner of record."""

from collections.abc import Iterable

from shared.database import UnitOfWork


async def lock_known_clients(work: UnitOfWork, client_ids: Iterable[str]) -> set[str]:
    rows = await work.fetch_rows(
        "SELECT client_id FROM known_clients WHERE client_id = ANY(:ids) ORDER BY client_id FOR KEY SHARE",
        ids=sorted(set(client_ids)),
    )
    return {row["client_id"] for row in rows}


async def is_client_headed_by_actor(work: UnitOfWork, client_id: str) -> bool:
    """Whether the caller heads the department of whoever acts as the client's owner, or one above it."""
    found = await work.fetch_value(
        """
        SELECT 1 FROM known_clients k JOIN people owner ON owner.employee_id = k.owner_id
        JOIN people acting ON acting.employee_id = coalesce(owner.stand_in_id, owner.employee_id)
        JOIN heads h ON h.department_id = acting.department_id AND h.head_id = :actor
        WHERE k.client_id = :client_id
        """,
        client_id=client_id,
        actor=work.actor,
    )
    return found is not None
