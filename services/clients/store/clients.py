"""Clients: registering many, moving many, reading them as the API shows them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.clients.domain.access import Action
from services.clients.domain.contacts import identified
from services.clients.store import decisions
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

INSERT = """
    WITH given AS MATERIALIZED (
        SELECT c.id AS client_id, c.*, CAST(b.contacts AS jsonb) AS contacts, b.fingerprint, b.imported,
               gen_random_uuid() AS surrogate
        FROM unnest(CAST(:bodies AS text[]), CAST(:contacts AS text[]), CAST(:fingerprints AS bytea[]),
                    CAST(:imported AS bytea[])) AS b (body, contacts, fingerprint, imported),
             jsonb_to_record(CAST(b.body AS jsonb)) AS c (
                 id text, owner_id text, name text, value numeric, effort double precision, regions jsonb,
                 languages jsonb, team jsonb, status text, expected_value numeric, external_ids jsonb)
    ), made AS (
        INSERT INTO clients (client_id, owner_id, surrogate)
        SELECT client_id, owner_id, surrogate FROM given ORDER BY client_id
        ON CONFLICT DO NOTHING RETURNING client_id, owner_id, surrogate
    ), new AS MATERIALIZED (
        SELECT given.* FROM given WHERE client_id IN (SELECT client_id FROM made)
    ), described AS (
        INSERT INTO profiles (client_id, name, value, effort, regions, languages, contacts, registered_at, fingerprint,
                              imported, status, expected_value, external_ids)
        SELECT client_id, name, value, effort, regions, languages, contacts, :now, fingerprint, imported,
               coalesce(status, 'active'), expected_value, coalesce(external_ids, '{}')
        FROM new
    ), staffed AS (
        INSERT INTO team (client_id, function, employee_id)
        SELECT client_id, place.function, place.employee_id
        FROM new, jsonb_each_text(team) AS place (function, employee_id)
    ), named AS (
        INSERT INTO surrogates (id, kind, surrogate) SELECT client_id, 'client', surrogate FROM made
    ), noted AS (
        INSERT INTO history (client_id, kind, to_id, at, by_id, leaf)
        SELECT client_id, 'registered', owner_id, :now, :actor, :leaf FROM made
    ), counted AS (
        INSERT INTO portfolios AS p (owner_id, clients)
        SELECT owner_id, count(*) FROM made GROUP BY owner_id ORDER BY owner_id
        ON CONFLICT (owner_id) DO UPDATE SET clients = p.clients + excluded.clients
    ), owned AS MATERIALIZED (
        SELECT owner_id, surrogate_of('employee', owner_id) AS owner, clients
        FROM (SELECT owner_id, count(*) AS clients FROM made GROUP BY owner_id) o
    ), journaled AS (
        INSERT INTO journal_pending (leaf, at, kind, actor, employees, clients, details)
        SELECT :leaf, :now, 'client.registered', surrogate_of('employee', :actor),
               array_agg(owner ORDER BY owner_id) || (SELECT array_agg(surrogate_of('employee', employee_id)) FROM (
                   SELECT DISTINCT employee_id FROM new, jsonb_each_text(team) AS place (function, employee_id)) serving),
               (SELECT array_agg(surrogate ORDER BY owner_id) FROM made),
               jsonb_build_object('owners', jsonb_agg(
                   jsonb_build_object('owner_id', owner, 'clients', clients) ORDER BY owner_id))
        FROM owned HAVING count(*) > 0
    )
    SELECT client_id FROM made
"""


class Registration(NamedTuple):
    """A client as its registration or its imported row says: `body` is the whole of it as JSON.

    `fingerprint` tells it from another registration; `imported` is what an import compares: all but owner and team,
    which it never takes of a client that exists. Neither depends on ids of contacts that are made here.
    """

    client_id: str
    owner_id: str
    team: Mapping[str, str]
    body: str
    fingerprint: bytes
    imported: bytes
    external_ids: Mapping[str, str]
    contacts: Sequence[Mapping[str, Any]]

    @property
    def people(self) -> tuple[str, ...]:
        return (self.owner_id, *self.team.values())


def registration(client_id: str, owner_id: str, team: Mapping[str, str], body: str) -> Registration:
    """`body` is always in the same form; what is at its default and came later than others is left out of it."""
    whole = json.loads(body)
    compared = {name: value for name, value in whole.items() if name not in ("owner_id", "team")}
    imported = hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).digest()
    fingerprint = hashlib.sha256(body.encode()).digest()
    return Registration(
        client_id, owner_id, team, body, fingerprint, imported, whole.get("external_ids", {}), whole["contacts"]
    )


async def insert(work: UnitOfWork, rows: Sequence[Registration], *, imported: bool) -> set[str]:
    """Registers up to 1,000 clients with owner, team, history and one leaf; returns the ids that were not taken."""
    made = await work.fetch_rows(
        INSERT,
        bodies=[row.body for row in rows],
        contacts=[json.dumps(identified(row.contacts, (), uuid7)) for row in rows],
        fingerprints=[row.fingerprint for row in rows],
        imported=[row.imported if imported else None for row in rows],
        now=work.now,
        actor=work.actor,
        leaf=uuid7(),
    )
    return {row["client_id"] for row in made}


async def lock(work: UnitOfWork, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Locks clients in id order and returns what they are compared by. People were locked before."""
    rows = await work.fetch_rows(
        """
        SELECT c.client_id, c.owner_id, c.version, p.fingerprint, p.imported,
               (SELECT o.stand_in_id FROM people o WHERE o.employee_id = c.owner_id) AS stand_in_id,
               EXISTS (SELECT 1 FROM erasures e WHERE e.kind = 'client' AND e.id = c.client_id) AS erased
        FROM clients c JOIN profiles p USING (client_id)
        WHERE c.client_id = ANY(:ids) ORDER BY c.client_id FOR UPDATE OF c
        """,
        ids=list(ids),
    )
    return {row["client_id"]: row for row in rows}


class Moved(NamedTuple):
    """What became of one item; `from_id` and `version` where it moved just now."""

    client_id: str
    to_id: str
    outcome: str
    from_id: str | None
    version: int | None


# Locking and judging in one statement: a row that changed meanwhile is judged, and updated, as it is after the lock.
MOVE = """
    WITH asked AS MATERIALIZED (
        SELECT client_id, from_id, to_id, nth
        FROM unnest(CAST(:clients AS text[]), CAST(:froms AS text[]), CAST(:tos AS text[]))
             WITH ORDINALITY AS a (client_id, from_id, to_id, nth)
    ), locked AS MATERIALIZED (
        SELECT client_id, owner_id FROM clients WHERE client_id = ANY(CAST(:clients AS text[]))
        ORDER BY client_id FOR UPDATE
    ), judged AS MATERIALIZED (
        SELECT a.*, c.owner_id, CASE
            WHEN c.client_id IS NULL OR NOT (:everybody OR EXISTS (
                     SELECT 1 FROM heads WHERE heads.head_id = :actor
                     AND heads.department_id IN (o.department_id, h.department_id))) THEN 'unknown_client'
            WHEN c.owner_id = a.to_id AND NOT (:acting AND a.from_id = h.employee_id AND a.from_id <> a.to_id) THEN 'done'
            WHEN a.from_id <> c.owner_id AND NOT (:acting AND a.from_id = h.employee_id) THEN 'not_owner'
            WHEN t.employee_id IS NULL OR (t.status IS NULL AND NOT t.frozen) THEN 'unknown_employee'
            WHEN t.status = 'left' THEN 'not_employed'
            WHEN (t.frozen OR t.settling) AND NOT (:returning AND t.stand_in_id IS NOT NULL) THEN 'frozen'
            ELSE 'done' END AS outcome
        FROM asked a
        LEFT JOIN locked c ON c.client_id = a.client_id
        LEFT JOIN people o ON o.employee_id = c.owner_id
        LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, c.owner_id)
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
        INSERT INTO journal_pending (leaf, at, kind, actor, employees, clients, details)
        SELECT :leaf, :now, 'client.transferred', surrogate_of('employee', :actor),
               array_agg(DISTINCT from_owner) || array_agg(DISTINCT to_owner),
               (SELECT array_agg(surrogate ORDER BY from_id, to_id) FROM moved),
               jsonb_strip_nulls(jsonb_build_object(
                   'kind', CAST(:kind AS text), 'case_id', CAST(:case_id AS text),
                   'moves', jsonb_agg(jsonb_build_object('from_id', from_owner, 'to_id', to_owner, 'clients', clients)
                                      ORDER BY from_id, to_id)))
        FROM pairs HAVING count(*) > 0
    ), counted AS (
        INSERT INTO portfolios AS p (owner_id, clients)
        SELECT owner_id, sum(n) FROM (
            SELECT from_id AS owner_id, -1 AS n FROM moved UNION ALL SELECT to_id, 1 FROM moved) d
        GROUP BY owner_id ORDER BY owner_id
        ON CONFLICT (owner_id) DO UPDATE SET clients = p.clients + excluded.clients
    )
    SELECT array_agg(j.outcome ORDER BY j.nth) AS outcomes, array_agg(m.from_id ORDER BY j.nth) AS froms,
           array_agg(m.version ORDER BY j.nth) AS versions
    FROM judged j LEFT JOIN moved m USING (nth)
"""


async def move(
    work: UnitOfWork,
    items: Sequence[tuple[str, str, str]],
    kind: str,
    *,
    case_id: str | None = None,
    reason: str | None = None,
    everybody: bool = True,
    acting: bool = False,
) -> list[Moved]:
    """Moves up to 1,000 clients `(client_id, from_id, to_id)`, each at most once, with history, counts and one leaf.

    People were locked before. `everybody`:
    the caller may move clients of all, else of those whom they head. `acting`: `from_id` may also name the acting owner.
    Only a return may give a client to somebody who is frozen, and only into the hands of their stand-in.
    """
    clients, froms, tos = ([item[part] for item in items] for part in range(3))
    row = await work.fetch_row(
        MOVE,
        clients=clients,
        froms=froms,
        tos=tos,
        everybody=everybody,
        acting=acting,
        returning=kind == "returned",
        kind=kind,
        now=work.now,
        actor=work.actor,
        case_id=case_id,
        reason=reason,
        leaf=uuid7(),
    )
    if row is None or row["outcomes"] is None:
        return []
    return list(map(Moved, clients, tos, row["outcomes"], row["froms"], row["versions"]))


# -- reading -----------------------------------------------------------------------------------------------------------

VALUE = """coalesce(p.value, (
    SELECT sum(co.value) FROM client_orders co WHERE co.client_id = c.client_id AND co.status <> 'cancelled'
    AND co.placed_on > CAST(CAST(:day AS text) AS date) - interval '1 year'
    AND co.placed_on <= CAST(CAST(:day AS text) AS date)), 0)"""
SHOWN = f"""
    c.client_id AS id, p.name, coalesce(o.stand_in_id, c.owner_id) AS owner_id,
    CASE WHEN o.stand_in_id IS NOT NULL THEN c.owner_id END AS record_owner_id, coalesce(o.unowned, false) AS unowned,
    {VALUE} AS value, p.expected_value, p.status, p.effort, p.regions, p.languages, p.contacts, p.external_ids,
    p.registered_at, c.version,
    coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = c.client_id), '{{}}') AS team
"""
FROM = "clients c JOIN profiles p USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id"
OWNED_BY = """c.owner_id IN (SELECT employee_id FROM people
    WHERE stand_in_id = :owner_id OR (employee_id = :owner_id AND stand_in_id IS NULL))"""


async def one(work: UnitOfWork, client_id: str) -> Mapping[str, Any]:
    """The client as the API shows it; it exists."""
    (row,) = await these(work, [client_id])
    return row


async def these(work: UnitOfWork, client_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """These clients as the API shows them, by id; those that exist."""
    return await work.fetch_rows(
        f"SELECT {SHOWN} FROM {FROM} WHERE c.client_id = ANY(:ids) ORDER BY c.client_id",
        ids=list(client_ids),
        day=decisions.moment(work)["day"],
    )


async def visible(
    work: UnitOfWork,
    roles: frozenset[str],
    action: Action,
    paging: Paging,
    owner_id: str | None = None,
    unowned: bool | None = None,
    wanted: tuple[str, str] | None = None,
    status: str | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Clients with which the caller may do this, by id; of one acting owner, without one, or of a status, if asked for.

    `wanted` is what `domain.search` makes of a search.
    """
    mine = decisions.clients_of_caller(roles, action)
    named: dict[str, Any] = {"viewer": work.actor, "now": work.now} if mine else {}
    where = [f"c.client_id IN ({mine})"] if mine else []
    if owner_id is not None:
        where.append(OWNED_BY)
        named["owner_id"] = owner_id
    if unowned is not None:
        where.append("coalesce(o.unowned, false) = :unowned")
        named["unowned"] = unowned
    if wanted is not None:
        where.append("p.terms @@ (CAST(:query AS tsquery) && words_query(:words))")
        named["query"], named["words"] = wanted
    if status is not None:
        where.append("p.status = :status")
        named["status"] = status
    if paging.after:
        where.append("c.client_id > :after")
        named["after"] = paging.after[0]
    if mine and ":now" not in mine:
        del named["now"]
    return await work.fetch_rows(
        f"SELECT {SHOWN} FROM {FROM} WHERE {' AND '.join(where) or 'true'} ORDER BY c.client_id LIMIT :limit",
        day=decisions.moment(work)["day"],
        limit=paging.fetch,
        **named,
    )


HISTORY = """
    WITH owned AS (
        SELECT to_id AS owner_id, kind, at, lead(at) OVER (ORDER BY id) AS until FROM history WHERE client_id = :id
    ), stood_in AS (
        SELECT employee_id, stand_in_id, unowned, at, id,
               lag(stand_in_id) OVER (PARTITION BY employee_id ORDER BY id) AS before
        FROM stand_ins WHERE employee_id IN (SELECT owner_id FROM owned)
    )
    SELECT * FROM (SELECT told.*, row_number() OVER (ORDER BY at, rank, id) AS nth FROM (
    SELECT at, kind, from_id, to_id, by_id, case_id, reason, 0 AS rank, id FROM history WHERE client_id = :id
    UNION ALL
    SELECT s.at, CASE WHEN s.unowned THEN 'unowned' WHEN s.stand_in_id IS NULL THEN 'returned' ELSE 'caretaker' END,
           coalesce(s.before, s.employee_id), CASE WHEN s.unowned THEN NULL ELSE coalesce(s.stand_in_id, s.employee_id) END,
           NULL, NULL, NULL, 1, s.id
    FROM owned o JOIN stood_in s ON s.employee_id = o.owner_id AND o.kind <> 'merged'
        AND s.at >= o.at AND (o.until IS NULL OR s.at < o.until)
    ) told) numbered WHERE nth > :after ORDER BY nth LIMIT :limit
"""


async def history(work: UnitOfWork, client_id: str, paging: Paging) -> Sequence[Mapping[str, Any]]:
    """All that ever changed about who is responsible, oldest first; the stand-ins of its owners while they had it."""
    return await work.fetch_rows(HISTORY, id=client_id, after=paging.number or 0, limit=paging.fetch)
