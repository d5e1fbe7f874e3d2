"""Clients and their profiles: registered, read as the API shows them, changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.clients.access.store.decision import allowed_client_ids_sql
from services.clients.holdings.store.owners import ACTING_OWNER_SQL, INSERT_OWNERS_SQL, increment_versions
from services.clients.holdings.store.teams import INSERT_TEAMS_SQL
from services.clients.journal.store import insert_entries_sql
from services.clients.names.store import INSERT_SURROGATES_SQL
from services.clients.permissions.rules import Action
from services.clients.register.rules import Client, Contact, Profile, Registration, assign_contact_ids
from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging
from shared.people.rules import ERASED_TEXT
from shared.records import get_fields

INSERT_CLIENTS_SQL = f"""
    WITH given AS MATERIALIZED (
        SELECT c.id AS client_id, c.*, b.fingerprint, b.imported, gen_random_uuid() AS surrogate
        FROM unnest(CAST(:profiles AS text[]), CAST(:fingerprints AS bytea[]), CAST(:imported AS bytea[]))
                 AS b (profile, fingerprint, imported),
             jsonb_to_record(CAST(b.profile AS jsonb)) AS c (
                 id text, owner_id text, name text, value numeric, effort double precision, regions jsonb, languages jsonb,
                 contacts jsonb, team jsonb, status text, expected_value numeric, external_ids jsonb)
    ), {INSERT_OWNERS_SQL}, new AS MATERIALIZED (
        SELECT given.* FROM given WHERE client_id IN (SELECT client_id FROM made)
    ), described AS (
        INSERT INTO profiles (client_id, name, value, effort, regions, languages, contacts, registered_at, fingerprint,
                              imported, status, expected_value, external_ids)
        SELECT client_id, name, value, effort, regions, languages, contacts, :now, fingerprint, imported, status,
               expected_value, external_ids
        FROM new
    ), staffed AS ({INSERT_TEAMS_SQL}), named AS ({INSERT_SURROGATES_SQL}), owned AS MATERIALIZED (
        SELECT owner_id, surrogate_of('employee', owner_id) AS owner, clients
        FROM (SELECT owner_id, count(*) AS clients FROM made GROUP BY owner_id) o
    ), journaled AS ({
    insert_entries_sql(
        "FROM owned HAVING count(*) > 0",
        kind="'client.registered'",
        employees='''array_agg(owner ORDER BY owner_id) || (
            SELECT array_agg(surrogate_of('employee', employee_id)) FROM (
                SELECT DISTINCT employee_id FROM new, jsonb_each_text(team) AS place (function, employee_id)) serving)''',
        clients="(SELECT array_agg(surrogate ORDER BY owner_id) FROM made)",
        details='''jsonb_build_object('owners', jsonb_agg(
            jsonb_build_object('owner_id', owner, 'clients', clients) ORDER BY owner_id))''',
    )
})
    SELECT client_id FROM made
"""


async def insert_clients(work: UnitOfWork, registrations: Sequence[Registration], *, is_import: bool) -> set[str]:
    """Registers up to 1,000 clients with owner, team, history and one leaf; returns the ids that were not taken."""
    profiles = [
        {
            **get_fields(new.profile),
            "id": new.client_id,
            "owner_id": new.owner_id,
            "contacts": [asdict(contact) for contact in assign_contact_ids(new.profile.contacts, (), uuid7)],
        }
        for new in registrations
    ]
    made = await work.fetch_rows(
        INSERT_CLIENTS_SQL,
        profiles=[json.dumps(profile, default=str) for profile in profiles],
        fingerprints=[new.fingerprint for new in registrations],
        imported=[new.digest if is_import else None for new in registrations],
        leaf=uuid7(),
    )
    return {row["client_id"] for row in made}


# -- reading -----------------------------------------------------------------------------------------------------------

CLIENT_VALUE_SQL = """coalesce(p.value, (
    SELECT sum(co.value) FROM client_orders co WHERE co.client_id = c.client_id AND co.status <> 'cancelled'
    AND co.placed_on > CAST(CAST(:day AS text) AS date) - interval '1 year'
    AND co.placed_on <= CAST(CAST(:day AS text) AS date)), 0)"""

CLIENT_COLUMNS_SQL = f"""
    c.client_id AS id, p.name, {ACTING_OWNER_SQL} AS owner_id,
    CASE WHEN o.stand_in_id IS NOT NULL THEN c.owner_id END AS record_owner_id, coalesce(o.unowned, false) AS unowned,
    {CLIENT_VALUE_SQL} AS value, p.expected_value, p.status, p.effort, p.regions, p.languages, p.contacts, p.external_ids,
    p.registered_at, c.version,
    coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = c.client_id), '{{}}') AS team
"""

CLIENT_TABLES_SQL = "clients c JOIN profiles p USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id"

HAS_ACTING_OWNER_SQL = """c.owner_id IN (SELECT employee_id FROM people
    WHERE stand_in_id = :owner_id OR (employee_id = :owner_id AND stand_in_id IS NULL))"""


def _read_contacts(contacts: Iterable[Mapping[str, Any]]) -> list[Contact]:
    return [Contact(**contact) for contact in contacts]


def _read_client(contacts: Iterable[Mapping[str, Any]], **columns: Any) -> Client:
    return Client(contacts=_read_contacts(contacts), **columns)


async def get_client(work: UnitOfWork, client_id: str) -> Client:
    """The client as the API shows it; it exists."""
    (client,) = await list_clients_by_id(work, [client_id])
    return client


async def list_clients_by_id(work: UnitOfWork, client_ids: Sequence[str]) -> list[Client]:
    """These clients as the API shows them, by id; those that exist."""
    return await work.fetch_all(
        _read_client,
        f"SELECT {CLIENT_COLUMNS_SQL} FROM {CLIENT_TABLES_SQL} WHERE c.client_id = ANY(:ids) ORDER BY c.client_id",
        ids=list(client_ids),
        day=work.today.isoformat(),
    )


async def list_visible_clients(
    work: UnitOfWork,
    roles: frozenset[str],
    action: Action,
    paging: Paging,
    owner_id: str | None = None,
    unowned: bool | None = None,
    query: tuple[str, str] | None = None,
    status: str | None = None,
) -> list[Client]:
    """Clients with which the actor may do this, by id; of one acting owner, without one, or of a status, if asked for.

    `query` is what `build_search_query` makes of a search.
    """
    own = allowed_client_ids_sql(roles, action)
    where = ["c.client_id > :after", *([f"c.client_id IN ({own})"] if own else [])]
    if owner_id is not None:
        where.append(HAS_ACTING_OWNER_SQL)
    if unowned is not None:
        where.append("coalesce(o.unowned, false) = :unowned")
    if query is not None:
        where.append("p.terms @@ (CAST(:query AS tsquery) && words_query(:words))")
    if status is not None:
        where.append("p.status = :status")
    number_or_address, words = query or (None, None)
    return await work.fetch_all(
        _read_client,
        f"""
        SELECT {CLIENT_COLUMNS_SQL} FROM {CLIENT_TABLES_SQL} WHERE {" AND ".join(where)}
        ORDER BY c.client_id LIMIT :fetch
        """,
        day=work.today.isoformat(),
        owner_id=owner_id,
        unowned=unowned,
        query=number_or_address,
        words=words,
        status=status,
        **paging.bounds,
    )


async def list_profiles(work: UnitOfWork, client_ids: Iterable[str]) -> dict[str, Profile]:
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
    return {
        client_id: Profile(contacts=_read_contacts(contacts), **columns)
        for client_id, contacts, columns in (
            (row.pop("client_id"), row.pop("contacts"), row) for row in map(dict, rows)
        )
    }


async def list_contacts_of_client(work: UnitOfWork, client_id: str, paging: Paging) -> list[Contact]:
    """The contacts of a client, by id."""
    return await work.fetch_all(
        Contact,
        """
        SELECT contact ->> 'id' AS id, contact ->> 'name' AS name, contact ->> 'email' AS email, contact ->> 'phone' AS phone
        FROM profiles, jsonb_array_elements(contacts) AS c (contact)
        WHERE client_id = :client_id AND contact ->> 'id' > :after ORDER BY 1 LIMIT :fetch
        """,
        client_id=client_id,
        **paging.bounds,
    )


# -- changing ----------------------------------------------------------------------------------------------------------

UPDATE_PROFILES_SQL = """
    WITH given AS (
        SELECT c.*, b.imported
        FROM unnest(CAST(:profiles AS text[]), CAST(:imported AS bytea[])) AS b (profile, imported),
             jsonb_to_record(CAST(b.profile AS jsonb)) AS c (
                 id text, name text, value numeric, effort double precision, regions jsonb, languages jsonb, contacts jsonb,
                 status text, expected_value numeric, external_ids jsonb)
    )
    UPDATE profiles p SET name = g.name, value = g.value, effort = g.effort, regions = g.regions, languages = g.languages,
        contacts = g.contacts, status = g.status, expected_value = g.expected_value, external_ids = g.external_ids,
        imported = coalesce(g.imported, p.imported)
    FROM given g WHERE p.client_id = g.id
"""


async def update_profiles(
    work: UnitOfWork, profiles: Mapping[str, Profile], import_digests: Mapping[str, bytes] | None = None
) -> None:
    """Up to 1,000 profiles, with the digests of the rows that were imported. The clients were locked before."""
    await work.execute(
        UPDATE_PROFILES_SQL,
        profiles=[json.dumps({**asdict(profile), "id": id}, default=str) for id, profile in profiles.items()],
        imported=[import_digests.get(id) if import_digests else None for id in profiles],
    )
    await increment_versions(work, profiles)


# -- merged and erased clients -----------------------------------------------------------------------------------------


async def delete_profile(work: UnitOfWork, client_id: str) -> None:
    await work.execute("DELETE FROM profiles WHERE client_id = :id", id=client_id)


async def erase_profile(work: UnitOfWork, client_id: str) -> None:
    """Orders, values and owners are figures and truths, and stay."""
    await work.execute(
        """
        UPDATE profiles SET name = :erased, regions = '[]', languages = '[]', contacts = '[]', external_ids = '{}',
            status = 'closed', fingerprint = '', imported = NULL
        WHERE client_id = :id
        """,
        id=client_id,
        erased=ERASED_TEXT,
    )


async def delete_contact(work: UnitOfWork, client_id: str, contact_id: str) -> list[str] | None:
    """Takes a contact away; their name, address and number in lower case, by which they are known in texts. None: no such."""
    words: list[str] | None = await work.fetch_value(
        """
        WITH person AS (
            SELECT nth - 1 AS place, ARRAY(SELECT lower(value) FROM jsonb_each_text(contact)
                                           WHERE key IN ('name', 'email', 'phone') AND length(value) > 2) AS words
            FROM profiles, jsonb_array_elements(contacts) WITH ORDINALITY AS c (contact, nth)
            WHERE client_id = :client_id AND contact ->> 'id' = :contact_id
        )
        UPDATE profiles SET contacts = contacts - CAST(place AS int), fingerprint = '' FROM person
        WHERE client_id = :client_id RETURNING words
        """,
        client_id=client_id,
        contact_id=contact_id,
    )
    return words
