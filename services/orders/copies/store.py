"""Clients that `clients` has told of, each with its owner of record."""

from collections.abc import Iterable, Sequence

from shared.contracts.clients import Ownership
from shared.database import UnitOfWork, to_columns
from shared.people.store import heads_person_sql


async def upsert_client_owners(work: UnitOfWork, ownerships: Sequence[Ownership]) -> None:
    """Takes over the newest owner of each client; what is older than what is known changes nothing."""
    await work.execute(
        """
        INSERT INTO known_clients AS k (client_id, owner_id, heard)
        SELECT DISTINCT ON (client_id) * FROM unnest(
            CAST(:client_id AS text[]), CAST(:to_id AS text[]), CAST(:sequence AS bigint[])) AS c (client_id, owner_id, heard)
        ORDER BY client_id, heard DESC
        ON CONFLICT (client_id) DO UPDATE SET owner_id = excluded.owner_id, heard = excluded.heard
        WHERE k.heard < excluded.heard
        """,
        **to_columns(ownerships, "client_id", "to_id", "sequence"),
    )


async def insert_client(work: UnitOfWork, client_id: str, owner_id: str | None = None) -> None:
    """Nothing happens where the client is known."""
    await work.execute(
        "INSERT INTO known_clients (client_id, owner_id) VALUES (:id, :owner) ON CONFLICT DO NOTHING",
        id=client_id,
        owner=owner_id,
    )


async def delete_client(work: UnitOfWork, client_id: str) -> None:
    await work.execute("DELETE FROM known_clients WHERE client_id = :id", id=client_id)


async def lock_known_clients(work: UnitOfWork, client_ids: Iterable[str]) -> set[str]:
    """Those of these clients that are known; none of them is merged away before this transaction ends."""
    rows = await work.fetch_rows(
        "SELECT client_id FROM known_clients WHERE client_id = ANY(:ids) ORDER BY client_id FOR KEY SHARE",
        ids=sorted(set(client_ids)),
    )
    return {row["client_id"] for row in rows}


async def is_client_headed_by_actor(work: UnitOfWork, client_id: str) -> bool:
    """Whether the caller heads the department of whoever acts as the client's owner, or one above it."""
    headed = await work.fetch_value(
        f"""
        SELECT true FROM known_clients k JOIN people owner ON owner.employee_id = k.owner_id
        JOIN people acting ON acting.employee_id = coalesce(owner.stand_in_id, owner.employee_id)
        WHERE k.client_id = :client_id AND {heads_person_sql("acting")}
        """,
        client_id=client_id,
    )
    return bool(headed)
