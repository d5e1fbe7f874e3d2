"""Passes, and the announced last working days that they are measured by."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import AliasChoices, Field

from services.clients.access.store.actor import ListReach, is_visible_to_actor_sql
from services.clients.access.store.decision import VALID_PASS_SQL
from services.clients.names.store import MERGED_SYSTEM
from services.clients.permissions.rules import PassPurpose
from shared.contracts.clients import PassWanted, PassWithdrawn
from shared.database import UnitOfWork
from shared.paging import Paging


@dataclass(frozen=True, slots=True)
class Pass:
    """One employee, one client, one time window, one purpose."""

    id: str
    employee_id: str
    client_id: str
    from_time: Annotated[
        datetime, Field(validation_alias=AliasChoices("from", "from_time"), serialization_alias="from")
    ]
    until_time: Annotated[
        datetime, Field(validation_alias=AliasChoices("until", "until_time"), serialization_alias="until")
    ]
    purpose: PassPurpose
    granted_by: str
    granted_at: datetime
    case_id: str | None
    withdrawn_at: datetime | None


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
    SELECT asked.id, EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id) AS is_known,
           EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id AND c.owner_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM history h WHERE h.from_id = p.employee_id AND h.at >= p.frozen_at
                      AND h.client_id IN (SELECT asked.id UNION SELECT id FROM external_ids
                                          WHERE system = '{MERGED_SYSTEM}' AND client_id = asked.id))
           OR EXISTS (SELECT 1 FROM team t WHERE t.client_id = asked.id AND t.employee_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM open_stages s WHERE s.client_id = asked.id AND s.employee_id = p.employee_id) AS is_theirs
    FROM people p, unnest(CAST(:clients AS text[])) AS asked (id) WHERE p.employee_id = :employee_id
"""


async def list_is_theirs_by_client(work: UnitOfWork, employee_id: str, client_ids: Sequence[str]) -> dict[str, bool]:
    """Of these clients the known ones, and whether each is this person's, or was when they were frozen."""
    clients = await work.fetch_rows(LIST_OWN_CLIENTS_SQL, employee_id=employee_id, clients=list(client_ids))
    return {client["id"]: client["is_theirs"] for client in clients if client["is_known"]}


async def insert_passes(
    work: UnitOfWork, employee_id: str, case_id: str | None, passes: Sequence[PassWanted]
) -> set[str]:
    """Returns the ids that were not taken."""
    inserted = await work.fetch_rows(
        """
        INSERT INTO passes (pass_id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at, case_id)
        SELECT pass_id, :employee_id, client_id, purpose, from_time, until_time, :by, :now, :case_id
        FROM jsonb_to_recordset(CAST(:passes AS jsonb))
             AS p (pass_id text, client_id text, purpose text, from_time timestamptz, until_time timestamptz)
        ORDER BY pass_id ON CONFLICT DO NOTHING RETURNING pass_id
        """,
        employee_id=employee_id,
        passes=json.dumps([wanted.model_dump(mode="json") for wanted in passes]),
        by=work.actor,
        case_id=case_id,
    )
    return {row["pass_id"] for row in inserted}


SELECT_PASSES = """
    SELECT pass_id AS id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at, case_id, withdrawn_at
    FROM passes v
"""


async def get_pass(work: UnitOfWork, pass_id: str, reach: ListReach = "all") -> Pass | None:
    return await work.fetch_one(
        Pass,
        f"{SELECT_PASSES} WHERE pass_id = :id AND {is_visible_to_actor_sql(reach, 'v.employee_id')}",
        id=pass_id,
    )


async def list_passes(
    work: UnitOfWork,
    paging: Paging,
    reach: ListReach,
    employee_id: str | None = None,
    client_id: str | None = None,
    purpose: PassPurpose | None = None,
    active: bool | None = None,
) -> list[Pass]:
    """Passes that the actor may see, by id; those of an employee, client or purpose, and those in force now, if asked for."""
    wanted = {"employee_id": employee_id, "client_id": client_id, "purpose": purpose}
    where = [f"v.{column} = :{column}" for column, value in wanted.items() if value is not None]
    if active is not None:
        where.append(f"({VALID_PASS_SQL}) = :active")
    return await work.fetch_all(
        Pass,
        f"""
        {SELECT_PASSES}, (SELECT CAST(:now AS timestamptz) AS moment) a
        WHERE {" AND ".join(["v.pass_id > :after", is_visible_to_actor_sql(reach, "v.employee_id"), *where])}
        ORDER BY pass_id LIMIT :fetch
        """,
        active=active,
        **wanted,
        **paging.bounds,
    )


async def update_passes_withdrawn(
    work: UnitOfWork, *, pass_id: str | None = None, employee_id: str | None = None
) -> list[PassWithdrawn]:
    """Ends a pass, or all of a person that have not ended; returns those that it ended."""
    return await work.fetch_all(
        PassWithdrawn,
        """
        UPDATE passes SET withdrawn_at = :now, withdrawn_by = :by
        WHERE withdrawn_at IS NULL AND until_time > :now
        AND (pass_id = CAST(:pass_id AS text) OR employee_id = CAST(:employee_id AS text))
        RETURNING pass_id, employee_id, client_id, purpose, from_time, until_time
        """,
        by=work.actor,
        pass_id=pass_id,
        employee_id=employee_id,
    )


async def merge_passes(work: UnitOfWork, client_id: str, into_id: str) -> None:
    await work.execute(
        "UPDATE passes SET client_id = :into_id WHERE client_id = :client_id", client_id=client_id, into_id=into_id
    )
