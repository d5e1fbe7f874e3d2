"""Passes, and the announced last working days that they are measured by."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.clients.names.store import MERGED_SYSTEM
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.store import heads_person_sql

# -- passes ------------------------------------------------------------------------------------------------------------


async def upsert_last_day(work: UnitOfWork, employee_id: str, employment_id: str, last_day: date) -> None:
    await work.execute(
        """
        INSERT INTO last_days (employee_id, employment_id, last_day) VALUES (:id, :employment, :last_day)
        ON CONFLICT (employee_id, employment_id) DO UPDATE SET last_day = excluded.last_day
        """,
        id=employee_id,
        employment=employment_id,
        last_day=last_day,
    )


async def get_last_day(work: UnitOfWork, employee_id: str) -> date | None:
    """The announced last working day of the present employment."""
    found: date | None = await work.fetch_value(
        """
        SELECT d.last_day FROM people p JOIN last_days d USING (employee_id, employment_id)
        WHERE p.employee_id = :id AND p.status = 'resigned'
        """,
        id=employee_id,
    )
    return found


LIST_OWN_CLIENTS_SQL = f"""
    SELECT asked.id, EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id) AS known,
           EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id AND c.owner_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM history h WHERE h.from_id = p.employee_id AND h.at >= p.frozen_at
                      AND h.client_id IN (SELECT asked.id UNION SELECT id FROM external_ids
                                          WHERE system = '{MERGED_SYSTEM}' AND client_id = asked.id))
           OR EXISTS (SELECT 1 FROM team t WHERE t.client_id = asked.id AND t.employee_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM open_stages s WHERE s.client_id = asked.id AND s.employee_id = p.employee_id) AS theirs
    FROM people p, unnest(CAST(:clients AS text[])) AS asked (id) WHERE p.employee_id = :employee_id
"""


async def list_own_clients(work: UnitOfWork, employee_id: str, clients: Sequence[str]) -> dict[str, bool]:
    """Of these clients the known ones, and whether each is this person's, or was when they were frozen."""
    rows = await work.fetch_rows(LIST_OWN_CLIENTS_SQL, employee_id=employee_id, clients=list(clients))
    return {row["id"]: row["theirs"] for row in rows if row["known"]}


async def insert_passes(
    work: UnitOfWork, employee_id: str, case_id: str | None, rows: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Adds passes `(pass_id, client_id, purpose, from_time, until_time)`; returns the ids that were not taken."""
    made = await work.fetch_rows(
        """
        INSERT INTO passes (pass_id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at, case_id)
        SELECT pass_id, :employee_id, client_id, purpose, from_time, until_time, :by, :now, :case_id
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS r (pass_id text, client_id text, purpose text, from_time timestamptz, until_time timestamptz)
        ORDER BY pass_id ON CONFLICT DO NOTHING RETURNING pass_id
        """,
        employee_id=employee_id,
        rows=json.dumps(rows, default=str),
        by=work.actor,
        now=work.now,
        case_id=case_id,
    )
    return {row["pass_id"] for row in made}


LIST_PASSES_SQL = """
    SELECT pass_id AS id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at, case_id, withdrawn_at
    FROM passes v
"""


async def get_pass(work: UnitOfWork, pass_id: str, *, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.fetch_row(f"{LIST_PASSES_SQL} WHERE pass_id = :id {'FOR UPDATE' if lock else ''}", id=pass_id)


async def list_passes(
    work: UnitOfWork, paging: Paging, reach: str, wanted: Mapping[str, str | None], active: bool | None = None
) -> Sequence[Mapping[str, Any]]:
    """Passes by id: everybody's, those of people whom the caller heads (and own), or own only (`all`, `headed`, `own`).

    `wanted`: columns and what they must be.
    """
    where, named = ["true"], dict[str, Any]()
    if reach != "all":
        headed = f" OR EXISTS (SELECT 1 FROM people p WHERE p.employee_id = v.employee_id AND {heads_person_sql('p')})"
        where.append(f"(v.employee_id = :actor{headed if reach == 'headed' else ''})")
        named["actor"] = work.actor
    for name, value in wanted.items():
        if value is not None:
            where.append(f"v.{name} = :{name}")
            named[name] = value
    if active is not None:
        valid = "v.withdrawn_at IS NULL AND v.from_time <= :now AND :now < v.until_time"
        where.append(valid if active else f"NOT ({valid})")
        named["now"] = work.now
    if paging.after:
        where.append("v.pass_id > :after")
        named["after"] = paging.after[0]
    return await work.fetch_rows(
        f"{LIST_PASSES_SQL} WHERE {' AND '.join(where)} ORDER BY pass_id LIMIT :limit", limit=paging.fetch, **named
    )


async def update_passes_withdrawn(
    work: UnitOfWork, *, pass_id: str | None = None, employee_id: str | None = None
) -> Sequence[Any]:
    """Ends a pass, or all of a person that have not ended; returns those that it ended."""
    return await work.fetch_rows(
        """
        UPDATE passes SET withdrawn_at = :now, withdrawn_by = :by
        WHERE withdrawn_at IS NULL AND until_time > :now
        AND (pass_id = CAST(:pass_id AS text) OR employee_id = CAST(:employee_id AS text))
        RETURNING pass_id, employee_id, client_id, purpose, from_time, until_time
        """,
        now=work.now,
        by=work.actor,
        pass_id=pass_id,
        employee_id=employee_id,
    )
