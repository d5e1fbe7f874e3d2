"""Owners of record: locked, changed, counted; who stood in for them, and the history of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.clients.journal.store import insert_entries_sql
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.store import heads_person_sql, work_refusals_sql

# Who acts as the owner of the client `c`, whose owner of record is `o`. What is shown and counted always names somebody, so that
# no client and no load is missing. Access needs more: a rehired person has none to clients of before until that is settled.
ACTING_OWNER_SQL = "coalesce(o.stand_in_id, c.owner_id)"
ADMITTED_OWNER_SQL = "coalesce(o.stand_in_id, CASE WHEN NOT o.settling THEN o.employee_id END)"
JOIN_ACTING_OWNER_SQL = f"""LEFT JOIN people o ON o.employee_id = c.owner_id
        LEFT JOIN people h ON h.employee_id = {ACTING_OWNER_SQL}"""


@dataclass(frozen=True, slots=True)
class LockedClient:
    """What a client that is about to change is compared by. `imported_digest` is of the row last imported."""

    client_id: str
    owner_id: str
    stand_in_id: str | None
    version: int
    fingerprint: bytes
    imported_digest: bytes | None
    is_erased: bool


async def lock_clients(work: UnitOfWork, client_ids: Sequence[str]) -> dict[str, LockedClient]:
    """Locks those of these clients that exist, in id order. People were locked before."""
    locked = await work.fetch_all(
        LockedClient,
        """
        SELECT c.client_id, c.owner_id, c.version, p.fingerprint, p.imported AS imported_digest,
               (SELECT o.stand_in_id FROM people o WHERE o.employee_id = c.owner_id) AS stand_in_id,
               EXISTS (SELECT 1 FROM erasures e WHERE e.kind = 'client' AND e.id = c.client_id) AS is_erased
        FROM clients c JOIN profiles p USING (client_id)
        WHERE c.client_id = ANY(:ids) ORDER BY c.client_id FOR UPDATE OF c
        """,
        ids=list(client_ids),
    )
    return {client.client_id: client for client in locked}


# Of the statement that registers clients: those of `given (client_id, owner_id, surrogate)` that are new become `made`.
INSERT_OWNERS_SQL = """
    made AS (
        INSERT INTO clients (client_id, owner_id, surrogate)
        SELECT client_id, owner_id, surrogate FROM given ORDER BY client_id
        ON CONFLICT DO NOTHING RETURNING client_id, owner_id, surrogate
    ), first_owners AS (
        INSERT INTO history (client_id, kind, to_id, at, by_id, leaf)
        SELECT client_id, 'registered', owner_id, :now, :actor, :leaf FROM made
    ), counted AS (
        INSERT INTO portfolios AS p (owner_id, clients)
        SELECT owner_id, count(*) FROM made GROUP BY owner_id ORDER BY owner_id
        ON CONFLICT (owner_id) DO UPDATE SET clients = p.clients + excluded.clients
    )"""


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of one item; `from_id` and `version` where it moved just now."""

    client_id: str
    to_id: str
    outcome: str
    from_id: str | None
    version: int | None


# Locking and judging in one statement: a row that changed meanwhile is judged, and updated, as it is after the lock.
UPDATE_OWNERS_SQL = f"""
    WITH asked AS MATERIALIZED (
        SELECT client_id, from_id, to_id, nth
        FROM unnest(CAST(:clients AS text[]), CAST(:froms AS text[]), CAST(:tos AS text[]))
             WITH ORDINALITY AS a (client_id, from_id, to_id, nth)
    ), locked AS MATERIALIZED (
        SELECT client_id, owner_id FROM clients WHERE client_id = ANY(CAST(:clients AS text[]))
        ORDER BY client_id FOR UPDATE
    ), judged AS MATERIALIZED (
        SELECT a.*, c.owner_id, CASE
            WHEN c.client_id IS NULL OR NOT (:everybody OR {heads_person_sql("o")} OR {heads_person_sql("h")})
                 THEN 'unknown_client'
            WHEN c.owner_id = a.to_id AND NOT (:acting AND a.from_id = h.employee_id AND a.from_id <> a.to_id) THEN 'done'
            WHEN a.from_id <> c.owner_id AND NOT (:acting AND a.from_id = h.employee_id) THEN 'not_owner'
            {work_refusals_sql("t", "(t.frozen OR t.settling) AND NOT (:returning AND t.stand_in_id IS NOT NULL)")}
            ELSE 'done' END AS outcome
        FROM asked a
        LEFT JOIN locked c ON c.client_id = a.client_id
        {JOIN_ACTING_OWNER_SQL}
        LEFT JOIN people t ON t.employee_id = a.to_id
    ), moved AS (
        UPDATE clients c SET owner_id = j.to_id, version = c.version + 1
        FROM judged j WHERE c.client_id = j.client_id AND j.outcome = 'done' AND j.owner_id <> j.to_id
        RETURNING j.nth, c.client_id, j.owner_id AS from_id, c.owner_id AS to_id, c.version, c.surrogate
    ), noted AS (
        INSERT INTO history (client_id, kind, from_id, to_id, at, by_id, case_id, reason, leaf)
        SELECT client_id, :kind, from_id, to_id, :now, :actor, :case_id, :reason, :leaf FROM moved
    ), pairs AS MATERIALIZED (
        SELECT from_id, to_id, surrogate_of('employee', from_id) AS from_owner,
               surrogate_of('employee', to_id) AS to_owner, clients
        FROM (SELECT from_id, to_id, count(*) AS clients FROM moved GROUP BY from_id, to_id) p
    ), journaled AS (
        {
    insert_entries_sql(
        "FROM pairs HAVING count(*) > 0",
        kind="'client.transferred'",
        employees="array_agg(DISTINCT from_owner) || array_agg(DISTINCT to_owner)",
        clients="(SELECT array_agg(surrogate ORDER BY from_id, to_id) FROM moved)",
        details='''jsonb_strip_nulls(jsonb_build_object(
            'kind', CAST(:kind AS text), 'case_id', CAST(:case_id AS text),
            'moves', jsonb_agg(jsonb_build_object('from_id', from_owner, 'to_id', to_owner, 'clients', clients)
                               ORDER BY from_id, to_id)))''',
    )
}
    ), counted AS (
        INSERT INTO portfolios AS p (owner_id, clients)
        SELECT owner_id, sum(n) FROM (
            SELECT from_id AS owner_id, -1 AS n FROM moved UNION ALL SELECT to_id, 1 FROM moved) d
        GROUP BY owner_id ORDER BY owner_id
        ON CONFLICT (owner_id) DO UPDATE SET clients = p.clients + excluded.clients
    )
    SELECT array_agg(j.outcome ORDER BY j.nth) AS outcomes, array_agg(m.from_id ORDER BY j.nth) AS from_ids,
           array_agg(m.version ORDER BY j.nth) AS versions
    FROM judged j LEFT JOIN moved m USING (nth)
"""


async def update_owners(
    work: UnitOfWork,
    transfers: Sequence[tuple[str, str, str]],
    kind: str,
    *,
    case_id: str | None = None,
    reason: str | None = None,
    may_move_any: bool = True,
    accepts_acting_owner: bool = False,
) -> list[TransferOutcome]:
    """Moves up to 1,000 clients `(client_id, from_id, to_id)`, each at most once, with history, counts and one leaf.

    People were locked before. `may_move_any`: the caller may move clients of all, else of those whom they head.
    `accepts_acting_owner`: `from_id` may also name the acting owner. Only a return may give a client to somebody who is frozen,
    and only into the hands of their stand-in.
    """
    client_ids, from_ids, to_ids = ([transfer[part] for transfer in transfers] for part in range(3))
    moved = await work.fetch_row(
        UPDATE_OWNERS_SQL,
        clients=client_ids,
        froms=from_ids,
        tos=to_ids,
        everybody=may_move_any,
        acting=accepts_acting_owner,
        returning=kind == "returned",
        kind=kind,
        case_id=case_id,
        reason=reason,
        leaf=uuid7(),
    )
    if moved is None or moved["outcomes"] is None:
        return []
    return list(map(TransferOutcome, client_ids, to_ids, moved["outcomes"], moved["from_ids"], moved["versions"]))


LIST_OWNER_HISTORY_SQL = """
    WITH owned AS (
        SELECT to_id AS owner_id, kind, at, lead(at) OVER (ORDER BY id) AS until FROM history WHERE client_id = :id
    ), stood_in AS (
        SELECT employee_id, stand_in_id, unowned, at, id,
               lag(stand_in_id) OVER (PARTITION BY employee_id ORDER BY id) AS before
        FROM stand_ins WHERE employee_id IN (SELECT owner_id FROM owned)
    )
    SELECT at, kind, from_id, to_id, by_id, case_id, reason, nth
    FROM (SELECT told.*, row_number() OVER (ORDER BY at, rank, id) AS nth FROM (
    SELECT at, kind, from_id, to_id, by_id, case_id, reason, 0 AS rank, id FROM history WHERE client_id = :id
    UNION ALL
    SELECT s.at, CASE WHEN s.unowned THEN 'unowned' WHEN s.stand_in_id IS NULL THEN 'returned' ELSE 'caretaker' END,
           coalesce(s.before, s.employee_id), CASE WHEN s.unowned THEN NULL ELSE coalesce(s.stand_in_id, s.employee_id) END,
           NULL, NULL, NULL, 1, s.id
    FROM owned o JOIN stood_in s ON s.employee_id = o.owner_id AND o.kind <> 'merged'
        AND s.at >= o.at AND (o.until IS NULL OR s.at < o.until)
    ) told) numbered WHERE nth > :after ORDER BY nth LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """That somebody became responsible, or stood in; `nth` in the history of the client."""

    at: datetime
    kind: str
    from_id: str | None
    to_id: str | None
    by_id: str | None
    case_id: str | None
    reason: str | None
    nth: int


async def list_owner_history(work: UnitOfWork, client_id: str, paging: Paging) -> list[OwnerChange]:
    """All that ever changed about who is responsible, oldest first; the stand-ins of its owners while they had it."""
    return await work.fetch_all(
        OwnerChange, LIST_OWNER_HISTORY_SQL, id=client_id, after=paging.number or 0, limit=paging.fetch
    )


INSERT_STAND_INS_SQL = """
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


async def insert_stand_in_history(work: UnitOfWork, employee_id: str) -> set[str]:
    """Adds to the history who stands in from now on, for this person and all for whom they stood in; for whom it changed."""
    return set(await work.fetch_values(INSERT_STAND_INS_SQL, id=employee_id))


async def count_clients_of_record_owner(work: UnitOfWork, employee_id: str) -> int:
    """How many clients have this person as owner of record."""
    counted = await work.fetch_value("SELECT clients FROM portfolios WHERE owner_id = :id", id=employee_id)
    return int(counted or 0)


async def list_clients_of_record_owner(work: UnitOfWork, employee_id: str, limit: int) -> list[str]:
    """The first clients of which this person is the owner of record, by id."""
    return await work.fetch_values(
        "SELECT client_id FROM clients WHERE owner_id = :id ORDER BY client_id LIMIT :limit",
        id=employee_id,
        limit=limit,
    )


async def count_unowned_clients(work: UnitOfWork) -> int:
    """How many clients have neither an owner who may act nor anybody in their place."""
    counted = await work.fetch_value(
        "SELECT sum(f.clients) FROM people p JOIN portfolios f ON f.owner_id = p.employee_id WHERE p.unowned"
    )
    return int(counted or 0)


@dataclass(frozen=True, slots=True)
class OwnerOfRecord:
    """`is_in_handover`: others have taken over from them or are about to."""

    client_id: str
    owner_id: str
    is_in_handover: bool


async def list_owners(work: UnitOfWork, client_ids: Sequence[str]) -> dict[str, OwnerOfRecord]:
    """The owners of record of those of these clients that exist."""
    owners = await work.fetch_all(
        OwnerOfRecord,
        """
        SELECT c.client_id, c.owner_id,
               p.frozen OR p.settling OR p.stand_in_id IS NOT NULL OR p.status = 'left' AS is_in_handover
        FROM clients c LEFT JOIN people p ON p.employee_id = c.owner_id WHERE c.client_id = ANY(:ids)
        """,
        ids=list(client_ids),
    )
    return {owner.client_id: owner for owner in owners}


async def increment_versions(work: UnitOfWork, client_ids: Iterable[str]) -> None:
    """For whatever of these clients was changed. They were locked before."""
    await work.execute("UPDATE clients SET version = version + 1 WHERE client_id = ANY(:ids)", ids=list(client_ids))


# -- merged and erased clients -----------------------------------------------------------------------------------------


async def merge_holdings(work: UnitOfWork, client_id: str, into_id: str, leaf: str) -> None:
    """The client is no more; its history ends with the other."""
    await work.execute(
        """
        WITH gone AS (
            DELETE FROM clients WHERE client_id = :client_id RETURNING owner_id
        ), counted AS (
            UPDATE portfolios SET clients = clients - 1 WHERE owner_id IN (SELECT owner_id FROM gone)
        )
        INSERT INTO history (client_id, kind, from_id, to_id, at, by_id, leaf)
        SELECT :client_id, 'merged', gone.owner_id, clients.owner_id, :now, :actor, CAST(:leaf AS uuid)
        FROM gone, clients WHERE client_id = :into_id
        """,
        client_id=client_id,
        into_id=into_id,
        leaf=leaf,
    )


async def erase_reasons_of_employee(work: UnitOfWork, employee_id: str) -> int:
    """Empties the reasons of changes that this person made or that were about them; how many."""
    return await work.execute(
        "UPDATE history SET reason = NULL WHERE :id IN (by_id, from_id, to_id) AND reason IS NOT NULL", id=employee_id
    )


async def erase_reasons_naming(work: UnitOfWork, client_ids: Sequence[str], words: Sequence[str]) -> int:
    """Empties the reasons of changes of these clients in which one of these words (in lower case) stands; how many."""
    return await work.execute(
        """
        UPDATE history SET reason = NULL WHERE client_id = ANY(:ids) AND reason IS NOT NULL
        AND EXISTS (SELECT 1 FROM unnest(CAST(:words AS text[])) AS named (word) WHERE position(word IN lower(reason)) > 0)
        """,
        ids=list(client_ids),
        words=list(words),
    )


async def count_reasons(work: UnitOfWork, client_ids: Sequence[str]) -> int:
    counted = await work.fetch_value(
        "SELECT count(*) FROM history WHERE client_id = ANY(:ids) AND reason IS NOT NULL", ids=list(client_ids)
    )
    return int(counted)


async def renew_surrogate(work: UnitOfWork, client_id: str) -> None:
    """The journal names this client otherwise from now on."""
    await work.execute(
        "UPDATE clients SET version = version + 1, surrogate = gen_random_uuid() WHERE client_id = :id", id=client_id
    )


async def erase_reasons_and_relink_history(work: UnitOfWork, client_ids: Sequence[str], erasure_leaf: str) -> None:
    """Empties all reasons; the history leads to the leaf of the erasure, no longer to leaves that name the client as before."""
    await work.execute(
        "UPDATE history SET reason = NULL, leaf = CAST(:leaf AS uuid) WHERE client_id = ANY(:ids)",
        ids=list(client_ids),
        leaf=erasure_leaf,
    )
