"""What was erased and when."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.database import UnitOfWork

ErasedKind = Literal["employee", "client", "contact"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """The act of an erasure. `what`: how many of each kind were emptied in `clients`; the other services follow."""

    id: str
    erased_at: datetime
    by_id: str
    reason: str | None
    what: Mapping[str, int]


async def is_client_in_handover(work: UnitOfWork, client_id: str) -> bool:
    """Whether the owner of record is frozen: then others find out from what is noted here whom they take over."""
    return bool(
        await work.fetch_value(
            "SELECT p.frozen FROM clients c JOIN people p ON p.employee_id = c.owner_id WHERE c.client_id = :id",
            id=client_id,
        )
    )


async def upsert_erasure(
    work: UnitOfWork,
    kind: ErasedKind,
    id: str,
    counts: Mapping[str, int],
    *,
    contact_id: str = "",
    reason: str | None = None,
    is_held_by_law: bool = False,
) -> Erasure:
    """The act of it; the first one counts. `counts`: what was emptied. `is_held_by_law`: a legal hold keeps the surrogate."""
    (erasure,) = await work.fetch_all(
        Erasure,
        """
        INSERT INTO erasures (kind, id, part, at, by_id, reason, what, held)
        VALUES (:kind, :id, :part, :now, :actor, :reason, CAST(:what AS jsonb), :held)
        ON CONFLICT (kind, id, part) DO UPDATE SET held = excluded.held
        RETURNING id, at AS erased_at, by_id, reason, what
        """,
        kind=kind,
        id=id,
        part=contact_id,
        reason=reason,
        what=json.dumps(counts),
        held=is_held_by_law,
    )
    return erasure


async def get_erasure(work: UnitOfWork, kind: ErasedKind, id: str, contact_id: str = "") -> Erasure | None:
    return await work.fetch_one(
        Erasure,
        "SELECT id, at AS erased_at, by_id, reason, what FROM erasures WHERE kind = :kind AND id = :id AND part = :part",
        kind=kind,
        id=id,
        part=contact_id,
    )


async def update_erasure_hold_ended(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the surrogate of somebody who was erased was kept for a hold: no longer."""
    return bool(
        await work.execute(
            "UPDATE erasures SET held = false WHERE kind = 'employee' AND id = :id AND held", id=employee_id
        )
    )


async def exists_legal_hold_on_owners(work: UnitOfWork, client_ids: Sequence[str]) -> bool:
    """Whether somebody who is held was ever responsible for one of these clients."""
    return bool(
        await work.fetch_value(
            """
            SELECT 1 FROM history h JOIN journal_holds j ON j.employee_id IN (h.from_id, h.to_id)
            WHERE h.client_id = ANY(:ids) LIMIT 1
            """,
            ids=list(client_ids),
        )
    )


async def merge_erasures_of_contacts(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """Contacts that were erased of the client do not come back at the other."""
    await work.execute(
        """
        INSERT INTO erasures (kind, id, part, at, by_id, reason, what, held)
        SELECT kind, :into_id, part, at, by_id, reason, what, held FROM erasures
        WHERE kind = 'contact' AND id = :client_id
        ON CONFLICT DO NOTHING
        """,
        client_id=client_id,
        into_id=into_id,
    )


async def exists_legal_hold(work: UnitOfWork, employee_id: str) -> bool:
    return bool(await work.fetch_value("SELECT 1 FROM journal_holds WHERE employee_id = :id", id=employee_id))
