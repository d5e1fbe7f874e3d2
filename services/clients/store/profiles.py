"""What is known of clients beside who owns them: compared before it is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.database import UnitOfWork
from shared.ids import uuid7
from shared.paging import Paging

REPLACE = """
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


async def these(work: UnitOfWork, client_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
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


async def replace(work: UnitOfWork, kind: str, rows: Sequence[tuple[str, bytes | None]]) -> None:
    """Writes up to 1,000 profiles, with one leaf: whole as JSON, with the mark of the import that brought it.

    The clients were locked before.
    """
    await work.execute(
        REPLACE,
        bodies=[body for body, _ in rows],
        imported=[imported for _, imported in rows],
        kind=kind,
        now=work.now,
        actor=work.actor,
        leaf=uuid7(),
    )


async def contacts(work: UnitOfWork, client_id: str, paging: Paging) -> Sequence[Mapping[str, Any]]:
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
