"""What an imported row changes of a client that exists: everything but its owner and team."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.store.clients import Registration
from shared.database import UnitOfWork
from shared.http.fields import uuid7

UPDATE = """
    WITH given AS (
        SELECT c.*, b.imported
        FROM unnest(CAST(:bodies AS text[]), CAST(:imported AS bytea[])) AS b (body, imported),
             jsonb_to_record(CAST(b.body AS jsonb)) AS c (
                 id text, name text, value numeric, effort double precision, regions jsonb, languages jsonb, contacts jsonb)
    ), changed AS (
        UPDATE profiles p SET name = g.name, value = g.value, effort = g.effort, regions = g.regions,
            languages = g.languages, contacts = g.contacts, imported = g.imported
        FROM given g WHERE p.client_id = g.id
        RETURNING p.client_id, p.value, p.effort, p.regions, p.languages
    ), bumped AS (
        UPDATE clients c SET version = c.version + 1 FROM changed ch WHERE c.client_id = ch.client_id
        RETURNING c.client_id, c.owner_id
    ), journaled AS (
        INSERT INTO journal_pending (leaf, at, kind, actor, clients)
        SELECT :leaf, :now, 'client.imported', surrogate_of('employee', :actor), array_agg(s.surrogate)
        FROM changed JOIN surrogates s ON s.kind = 'client' AND s.id = client_id HAVING count(*) > 0
    )
    SELECT client_id, owner_id, CAST(value AS text) AS value, effort, regions, languages,
           coalesce((SELECT jsonb_object_agg(function, employee_id) FROM team t WHERE t.client_id = b.client_id), '{}') AS team
    FROM bumped b JOIN changed USING (client_id)
"""


async def update(work: UnitOfWork, rows: Sequence[Registration]) -> Sequence[Mapping[str, Any]]:
    """Writes up to 1,000 profiles, with one leaf; returns the public state of the clients. They were locked before."""
    return await work.rows(
        UPDATE,
        bodies=[row.body for row in rows],
        imported=[row.imported for row in rows],
        now=work.now,
        actor=work.actor,
        leaf=uuid7(),
    )
