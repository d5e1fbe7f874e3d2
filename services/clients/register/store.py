"""Clients and their profiles: registered, read as the API shows them, changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.clients.access.store.decision import clients_of_actor_sql, get_decision_time
from services.clients.holdings.store.owners import INCREMENT_VERSION_SQL
from services.clients.permissions.rules import Action
from services.clients.register import rules
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

INSERT_CLIENTS_SQL = """
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


def build_registration(client_id: str, owner_id: str, team: Mapping[str, str], body: str) -> Registration:
    """`body` is always in the same form; what is at its default and came later than others is left out of it."""
    whole = json.loads(body)
    compared = {name: value for name, value in whole.items() if name not in ("owner_id", "team")}
    imported = hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).digest()
    fingerprint = hashlib.sha256(body.encode()).digest()
    return Registration(
        client_id, owner_id, team, body, fingerprint, imported, whole.get("external_ids", {}), whole["contacts"]
    )


async def insert_clients(work: UnitOfWork, rows: Sequence[Registration], *, imported: bool) -> set[str]:
    """Registers up to 1,000 clients with owner, team, history and one leaf; returns the ids that were not taken."""
    made = await work.fetch_rows(
        INSERT_CLIENTS_SQL,
        bodies=[row.body for row in rows],
        contacts=[json.dumps(rules.assign_contact_ids(row.contacts, (), uuid7)) for row in rows],
        fingerprints=[row.fingerprint for row in rows],
        imported=[row.imported if imported else None for row in rows],
        now=work.now,
        actor=work.actor,
        leaf=uuid7(),
    )
    return {row["client_id"] for row in made}


# -- reading -----------------------------------------------------------------------------------------------------------

CLIENT_VALUE_SQL = """coalesce(p.value, (
    SELECT sum(co.value) FROM client_orders co WHERE co.client_id = c.client_id AND co.status <> 'cancelled'
    AND co.placed_on > CAST(CAST(:day AS text) AS date) - interval '1 year'
    AND co.placed_on <= CAST(CAST(:day AS text) AS date)), 0)"""

CLIENT_COLUMNS_SQL = f"""
    c.client_id AS id, p.name, coalesce(o.stand_in_id, c.owner_id) AS owner_id,
    CASE WHEN o.stand_in_id IS NOT NULL THEN c.owner_id END AS record_owner_id, coalesce(o.unowned, false) AS unowned,
    {CLIENT_VALUE_SQL} AS value, p.expected_value, p.status, p.effort, p.regions, p.languages, p.contacts, p.external_ids,
    p.registered_at, c.version,
    coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = c.client_id), '{{}}') AS team
"""

CLIENT_TABLES_SQL = "clients c JOIN profiles p USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id"

HAS_ACTING_OWNER_SQL = """c.owner_id IN (SELECT employee_id FROM people
    WHERE stand_in_id = :owner_id OR (employee_id = :owner_id AND stand_in_id IS NULL))"""


async def get_client(work: UnitOfWork, client_id: str) -> Mapping[str, Any]:
    """The client as the API shows it; it exists."""
    (row,) = await list_clients_by_id(work, [client_id])
    return row


async def list_clients_by_id(work: UnitOfWork, client_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """These clients as the API shows them, by id; those that exist."""
    return await work.fetch_rows(
        f"SELECT {CLIENT_COLUMNS_SQL} FROM {CLIENT_TABLES_SQL} WHERE c.client_id = ANY(:ids) ORDER BY c.client_id",
        ids=list(client_ids),
        day=get_decision_time(work)["day"],
    )


async def list_visible_clients(
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
    mine = clients_of_actor_sql(roles, action)
    named: dict[str, Any] = {"viewer": work.actor, "now": work.now} if mine else {}
    where = [f"c.client_id IN ({mine})"] if mine else []
    if owner_id is not None:
        where.append(HAS_ACTING_OWNER_SQL)
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
        f"""
        SELECT {CLIENT_COLUMNS_SQL} FROM {CLIENT_TABLES_SQL} WHERE {" AND ".join(where) or "true"}
        ORDER BY c.client_id LIMIT :limit
        """,
        day=get_decision_time(work)["day"],
        limit=paging.fetch,
        **named,
    )


REPLACE_PROFILES_SQL = """
    WITH given AS (
        SELECT c.*, b.imported
        FROM unnest(CAST(:bodies AS text[]), CAST(:imported AS bytea[])) AS b (body, imported),
             jsonb_to_record(CAST(b.body AS jsonb)) AS c (
                 id text, name text, value numeric, effort double precision, regions jsonb, languages jsonb, contacts jsonb,
                 status text, expected_value numeric, external_ids jsonb)
    ), changed AS (
        UPDATE profiles p SET name = g.name, value = g.value, effort = g.effort, regions = g.regions,
            languages = g.languages, contacts = g.contacts, status = coalesce(g.status, 'active'),
            expected_value = g.expected_value, external_ids = g.external_ids, imported = coalesce(g.imported, p.imported)
        FROM given g WHERE p.client_id = g.id
        RETURNING p.client_id
    ), bumped AS (
        UPDATE clients c SET version = c.version + 1 FROM changed ch WHERE c.client_id = ch.client_id
    )
    INSERT INTO journal_pending (leaf, at, kind, actor, clients)
    SELECT :leaf, :now, :kind, surrogate_of('employee', :actor), array_agg(s.surrogate)
    FROM changed JOIN surrogates s ON s.kind = 'client' AND s.id = client_id HAVING count(*) > 0
"""


async def list_profiles(work: UnitOfWork, client_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The profiles of these clients."""
    rows = await work.fetch_rows(
        """
        SELECT client_id, name, value, expected_value, status, effort, regions, languages, contacts, external_ids,
               coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = p.client_id),
                        '{}') AS team
        FROM profiles p WHERE client_id = ANY(:ids)
        """,
        ids=list(client_ids),
    )
    return {row["client_id"]: row for row in rows}


async def replace_profiles(work: UnitOfWork, kind: str, rows: Sequence[tuple[str, bytes | None]]) -> None:
    """Writes up to 1,000 profiles, with one leaf: whole as JSON, with the mark of the import that brought it.

    The clients were locked before.
    """
    await work.execute(
        REPLACE_PROFILES_SQL,
        bodies=[body for body, _ in rows],
        imported=[imported for _, imported in rows],
        kind=kind,
        now=work.now,
        actor=work.actor,
        leaf=uuid7(),
    )


async def list_contacts_of_client(work: UnitOfWork, client_id: str, paging: Paging) -> Sequence[Mapping[str, Any]]:
    """The contacts of a client, by id."""
    return await work.fetch_rows(
        """
        SELECT contact ->> 'id' AS id, contact ->> 'name' AS name, contact ->> 'email' AS email, contact ->> 'phone' AS phone
        FROM profiles, jsonb_array_elements(contacts) AS c (contact)
        WHERE client_id = :client_id AND contact ->> 'id' > :after ORDER BY 1 LIMIT :limit
        """,
        client_id=client_id,
        after=paging.after[0] if paging.after else "",
        limit=paging.fetch,
    )


async def update_profile(work: UnitOfWork, client_id: str, changes: Mapping[str, Any]) -> None:
    """Writes the given fields of the profile (`regions`, `languages`, `contacts` as lists, `external_ids` by system)."""
    columns = {name: f"CAST(:{name} AS jsonb)" for name in ("regions", "languages", "contacts", "external_ids")}
    values = {name: json.dumps(value) if name in columns else value for name, value in changes.items()}
    assigned = ", ".join(f"{name} = {columns.get(name, f':{name}')}" for name in changes)
    await work.execute(f"UPDATE profiles SET {assigned} WHERE client_id = :client_id", client_id=client_id, **values)
    await work.execute(INCREMENT_VERSION_SQL, client_id=client_id)


UPDATE_CONTACTS_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:contacts AS text[])) AS g (client_id, contacts)
    ), written AS (
        UPDATE profiles p SET contacts = CAST(g.contacts AS jsonb) FROM given g WHERE p.client_id = g.client_id
    )
    UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT client_id FROM given)
"""


async def update_contacts(work: UnitOfWork, contacts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """All contacts of these clients."""
    listed = [json.dumps(list(those)) for those in contacts.values()]
    await work.execute(UPDATE_CONTACTS_SQL, clients=list(contacts), contacts=listed)
