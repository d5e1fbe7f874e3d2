"""What clients keeps of freezes beside the copy of the register: who stood in when, where it is in force, who lifts it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.clients.store.refs import MERGED
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.store import heads_person_sql

NOTE_STAND_INS = """
    INSERT INTO stand_ins (employee_id, stand_in_id, unowned, at)
    SELECT p.employee_id, p.stand_in_id, p.unowned, :now
    FROM people p
    LEFT JOIN LATERAL (
        SELECT s.stand_in_id, s.unowned FROM stand_ins s WHERE s.employee_id = p.employee_id ORDER BY s.id DESC LIMIT 1
    ) last ON true
    WHERE p.employee_id IN (SELECT CAST(:id AS text) UNION SELECT employee_id FROM stand_ins WHERE stand_in_id = :id)
    AND (p.stand_in_id, p.unowned) IS DISTINCT FROM (last.stand_in_id, coalesce(last.unowned, false))
    RETURNING employee_id
"""


async def note_stand_ins(work: UnitOfWork, employee_id: str) -> set[str]:
    """Adds to the history who stands in from now on, for this person and all for whom they stood in; for whom it changed."""
    return {row["employee_id"] for row in await work.fetch_rows(NOTE_STAND_INS, id=employee_id, now=work.now)}


async def count_clients(work: UnitOfWork, employee_id: str) -> int:
    """How many clients have this person as owner of record."""
    counted = await work.fetch_value("SELECT clients FROM portfolios WHERE owner_id = :id", id=employee_id)
    return int(counted or 0)


async def heads_above(work: UnitOfWork, employee_id: str) -> Sequence[str]:
    """The heads of this person's department and those above, nearest first."""
    rows = await work.fetch_rows(
        """
        SELECT h.head_id FROM people p JOIN heads h ON h.department_id = p.department_id
        WHERE p.employee_id = :id ORDER BY h.distance, h.head_id
        """,
        id=employee_id,
    )
    return [row["head_id"] for row in rows]


async def heads(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the caller heads the department of this person, or one above."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM people p WHERE p.employee_id = :id AND {heads_person_sql('p')}",
            id=employee_id,
            actor=work.actor,
        )
    )


async def headed(work: UnitOfWork, employee_ids: Iterable[str]) -> set[str]:
    """Those of these people whom the caller heads."""
    rows = await work.fetch_rows(
        f"SELECT p.employee_id FROM people p WHERE p.employee_id = ANY(:ids) AND {heads_person_sql('p')}",
        ids=list(employee_ids),
        actor=work.actor,
    )
    return {row["employee_id"] for row in rows}


async def settling(work: UnitOfWork) -> Sequence[str]:
    """Rehired people whose former clients still have to be written through to a stand-in."""
    return [row["employee_id"] for row in await work.fetch_rows("SELECT employee_id FROM people WHERE settling")]


async def count_unowned(work: UnitOfWork) -> int:
    """How many clients have neither an owner who may act nor anybody in their place."""
    counted = await work.fetch_value(
        "SELECT sum(f.clients) FROM people p JOIN portfolios f ON f.owner_id = p.employee_id WHERE p.unowned"
    )
    return int(counted or 0)


# -- where it is in force ----------------------------------------------------------------------------------------------


async def note_enforced(work: UnitOfWork, employee_id: str, service: str, since: datetime | None) -> None:
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


STATE = """
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


async def one(work: UnitOfWork, employee_id: str) -> Mapping[str, Any] | None:
    return await work.fetch_row(f"{STATE} AND p.employee_id = :id", id=employee_id)


async def some(
    work: UnitOfWork, paging: Paging, since: datetime | None, everybody: bool
) -> Sequence[Mapping[str, Any]]:
    """Who is frozen (of those whom the caller heads, unless `everybody`), by employee id.

    `since` reaches back a minute more: a freeze is dated when it is asked for and seen when it has committed, and the
    clocks of replicas differ. So who polls may see one twice, and misses none.
    """
    where, named = [], dict[str, Any]()
    if since is not None:
        where.append("AND p.frozen_at >= CAST(:since AS timestamptz) - interval '1 minute'")
        named["since"] = since
    if not everybody:
        where.append(f"AND {heads_person_sql('p')}")
        named["actor"] = work.actor
    if paging.after:
        where.append("AND p.employee_id > :after")
        named["after"] = paging.after[0]
    return await work.fetch_rows(
        f"{STATE} {' '.join(where)} ORDER BY p.employee_id LIMIT :limit", limit=paging.fetch, **named
    )


# -- lifting -----------------------------------------------------------------------------------------------------------


async def lifting(work: UnitOfWork, employee_id: str) -> Mapping[str, Any] | None:
    """Who asked to lift it and in which roles; the word of somebody who is frozen or has left since counts no more."""
    return await work.fetch_row(
        """
        SELECT l.by_id, l.roles, l.reason FROM liftings l LEFT JOIN people p ON p.employee_id = l.by_id
        WHERE l.employee_id = :id AND NOT coalesce(p.frozen OR p.status = 'left', false)
        """,
        id=employee_id,
    )


async def begin_lifting(work: UnitOfWork, employee_id: str, roles: Sequence[str], reason: str) -> None:
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
        now=work.now,
    )


async def forget_lifting(work: UnitOfWork, employee_id: str) -> None:
    await work.execute("DELETE FROM liftings WHERE employee_id = :id", id=employee_id)


# -- passes ------------------------------------------------------------------------------------------------------------


async def note_last_day(work: UnitOfWork, employee_id: str, employment_id: str, last_day: date) -> None:
    await work.execute(
        """
        INSERT INTO last_days (employee_id, employment_id, last_day) VALUES (:id, :employment, :last_day)
        ON CONFLICT (employee_id, employment_id) DO UPDATE SET last_day = excluded.last_day
        """,
        id=employee_id,
        employment=employment_id,
        last_day=last_day,
    )


async def last_day(work: UnitOfWork, employee_id: str) -> date | None:
    """The announced last working day of the present employment."""
    found: date | None = await work.fetch_value(
        """
        SELECT d.last_day FROM people p JOIN last_days d USING (employee_id, employment_id)
        WHERE p.employee_id = :id AND p.status = 'resigned'
        """,
        id=employee_id,
    )
    return found


THEIRS = f"""
    SELECT asked.id, EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id) AS known,
           EXISTS (SELECT 1 FROM clients c WHERE c.client_id = asked.id AND c.owner_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM history h WHERE h.from_id = p.employee_id AND h.at >= p.frozen_at
                      AND h.client_id IN (SELECT asked.id UNION SELECT id FROM external_ids
                                          WHERE system = '{MERGED}' AND client_id = asked.id))
           OR EXISTS (SELECT 1 FROM team t WHERE t.client_id = asked.id AND t.employee_id = p.employee_id)
           OR EXISTS (SELECT 1 FROM open_stages s WHERE s.client_id = asked.id AND s.employee_id = p.employee_id) AS theirs
    FROM people p, unnest(CAST(:clients AS text[])) AS asked (id) WHERE p.employee_id = :employee_id
"""


async def theirs(work: UnitOfWork, employee_id: str, clients: Sequence[str]) -> dict[str, bool]:
    """Of these clients the known ones, and whether each is this person's, or was when they were frozen."""
    rows = await work.fetch_rows(THEIRS, employee_id=employee_id, clients=list(clients))
    return {row["id"]: row["theirs"] for row in rows if row["known"]}


async def grant(work: UnitOfWork, employee_id: str, case_id: str | None, rows: Sequence[Mapping[str, Any]]) -> set[str]:
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


GRANTED = """
    SELECT pass_id AS id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at, case_id, withdrawn_at
    FROM passes v
"""


async def one_pass(work: UnitOfWork, pass_id: str, *, lock: bool = False) -> Mapping[str, Any] | None:
    return await work.fetch_row(f"{GRANTED} WHERE pass_id = :id {'FOR UPDATE' if lock else ''}", id=pass_id)


async def some_passes(
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
        f"{GRANTED} WHERE {' AND '.join(where)} ORDER BY pass_id LIMIT :limit", limit=paging.fetch, **named
    )


async def withdraw(work: UnitOfWork, *, pass_id: str | None = None, employee_id: str | None = None) -> Sequence[Any]:
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
