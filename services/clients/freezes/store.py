"""Freezes beside the copy of the register: where they are in force, who asked to lift them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from services.clients.freezes.rules import Freeze
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.rules import ERASED_TEXT
from shared.people.store import heads_person_sql

# -- where it is in force ----------------------------------------------------------------------------------------------


async def update_enforcement(work: UnitOfWork, employee_id: str, service: str, since: datetime | None) -> None:
    """Another service acknowledged that it holds the freeze, or (None) that it let go."""
    if since is None:
        await work.execute(
            "DELETE FROM enforced WHERE employee_id = :id AND service = :service", id=employee_id, service=service
        )
        return
    await work.execute(
        """
        INSERT INTO enforced (employee_id, service, since) VALUES (:id, :service, :since)
        ON CONFLICT (employee_id, service) DO NOTHING
        """,
        id=employee_id,
        service=service,
        since=since,
    )


SELECT_FREEZE_SQL = """
    SELECT p.employee_id, p.employment_id, p.frozen_at, p.stand_in_id AS caretaker_id, p.unowned,
           coalesce((SELECT clients FROM portfolios WHERE owner_id = p.employee_id), 0) AS clients,
           (SELECT jsonb_agg(jsonb_build_object('kind', g.kind, 'ref', g.ref, 'case_id', g.case_id, 'since', g.since,
                                                'reason', g.reason, 'by_id', g.by_id) ORDER BY g.since, g.ref)
            FROM grounds g WHERE g.employee_id = p.employee_id AND g.employment_id = p.employment_id
            AND g.ended_at IS NULL) AS grounds,
           jsonb_build_object('clients', p.frozen_at) || coalesce((
               SELECT jsonb_object_agg(e.service, e.since) FROM enforced e WHERE e.employee_id = p.employee_id), '{}')
               AS in_force,
           (SELECT jsonb_build_object('by_id', l.by_id, 'reason', l.reason, 'at', l.at)
            FROM liftings l WHERE l.employee_id = p.employee_id) AS lifting
    FROM people p WHERE p.frozen
"""


FREEZE_ADAPTER: TypeAdapter[Freeze] = TypeAdapter(Freeze)


def _read_freeze(**columns: Any) -> Freeze:
    """Grounds, moments and the request to lift it arrive as JSON."""
    return FREEZE_ADAPTER.validate_python(columns)


async def get_freeze(work: UnitOfWork, employee_id: str) -> Freeze | None:
    return await work.fetch_one(_read_freeze, f"{SELECT_FREEZE_SQL} AND p.employee_id = :id", id=employee_id)


async def list_freezes(work: UnitOfWork, paging: Paging, since: datetime | None, may_see_all: bool) -> list[Freeze]:
    """Who is frozen (of those whom the actor heads, unless they `may_see_all`), by employee id.

    `since` reaches back a minute more: a freeze is dated when it is asked for and seen when it has committed, and the
    clocks of replicas differ. So who polls may see one twice, and misses none.
    """
    where = ["p.employee_id > :after"]
    if since is not None:
        where.append("p.frozen_at >= CAST(:since AS timestamptz) - interval '1 minute'")
    if not may_see_all:
        where.append(heads_person_sql("p"))
    return await work.fetch_all(
        _read_freeze,
        f"{SELECT_FREEZE_SQL} AND {' AND '.join(where)} ORDER BY p.employee_id LIMIT :fetch",
        since=since,
        **paging.bounds,
    )


# -- lifting -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FirstLifter:
    """Who asked to lift a freeze, and in which roles."""

    by_id: str
    roles: Sequence[str]


async def get_first_lifter(work: UnitOfWork, employee_id: str) -> FirstLifter | None:
    """The word of somebody who is frozen or has left since counts no more."""
    return await work.fetch_one(
        FirstLifter,
        """
        SELECT l.by_id, l.roles FROM liftings l LEFT JOIN people p ON p.employee_id = l.by_id
        WHERE l.employee_id = :id AND NOT coalesce(p.frozen OR p.status = 'left', false)
        """,
        id=employee_id,
    )


async def upsert_lifting_request(work: UnitOfWork, employee_id: str, roles: Sequence[str], reason: str) -> None:
    await work.execute(
        """
        INSERT INTO liftings (employee_id, by_id, roles, reason, at)
        VALUES (:id, :by, CAST(:roles AS jsonb), :reason, :now)
        ON CONFLICT (employee_id) DO UPDATE SET by_id = excluded.by_id, roles = excluded.roles, reason = excluded.reason,
            at = excluded.at
        """,
        id=employee_id,
        by=work.actor,
        roles=json.dumps(list(roles)),
        reason=reason,
    )


async def delete_lifting_request(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("DELETE FROM liftings WHERE employee_id = :id", id=employee_id)


async def erase_lifting_reasons(work: UnitOfWork, employee_id: str) -> int:
    """Of freezes of this person, or by them; how many."""
    return await work.execute(
        "UPDATE liftings SET reason = :erased WHERE :id IN (employee_id, by_id) AND reason <> :erased",
        id=employee_id,
        erased=ERASED_TEXT,
    )
