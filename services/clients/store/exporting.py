"""The export: whole pages of it, written by the database as lines of NDJSON or CSV, decided and journaled page by page."""

from collections.abc import Mapping
from typing import Any, Literal

from services.clients.store.clients import FROM, SHOWN
from shared.database import UnitOfWork
from shared.ids import uuid7

PAGE = 5_000
Format = Literal["csv", "ndjson"]

# What is exported of a client, in this order; see `api.clients.Client`.
FIELDS: Mapping[str, str] = {
    "id": "s.id",
    "name": "s.name",
    "owner_id": "s.owner_id",
    "record_owner_id": "s.record_owner_id",
    "value": "CAST(CAST(s.value AS numeric(28, 2)) AS text)",
    "expected_value": "CAST(s.expected_value AS text)",
    "status": "s.status",
    "effort": "s.effort",
    "regions": "s.regions",
    "languages": "s.languages",
    "contacts": "s.contacts",
    "team": "s.team",
    "external_ids": "s.external_ids",
    "registered_at": "to_char(s.registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
}
CSV = " || ',' || ".join(
    f"""coalesce('"' || replace(CAST({sql} AS text), '"', '""') || '"', '')""" for sql in FIELDS.values()
)
# By hand: a third faster than `json_build_object`, which looks up how to write each value anew for each row.
JSON = " || ', ' || ".join(
    f"""'"{name}": ' || coalesce(CAST(to_json({sql}) AS text), 'null')""" for name, sql in FIELDS.items()
)
LINES: Mapping[Format, str] = {"csv": rf"{CSV} || E'\r\n'", "ndjson": rf"'{{' || {JSON} || E'}}\n'"}
HEADINGS: Mapping[Format, str] = {"csv": ",".join(FIELDS) + "\r\n", "ndjson": ""}

# Export is for those who have a client in hand and for heads: so whose clients they are decides, not each client.
OWNERS = """
    SELECT o.employee_id FROM people o LEFT JOIN people h ON h.employee_id = o.stand_in_id
    WHERE (o.employee_id = :viewer AND o.stand_in_id IS NULL AND NOT o.settling) OR o.stand_in_id = :viewer
       OR (:heading AND EXISTS (SELECT 1 FROM heads WHERE heads.head_id = :viewer
                                AND heads.department_id IN (o.department_id, h.department_id)))
"""
EXPORT = """
    WITH page AS MATERIALIZED (
        SELECT c.client_id, c.surrogate FROM clients c WHERE c.client_id > :after {mine} ORDER BY c.client_id LIMIT {page}
    ), counted AS MATERIALIZED (
        SELECT unnest(within_export_limit(:viewer, CAST(CAST(:day AS text) AS date),
                                          (SELECT coalesce(array_agg(client_id ORDER BY client_id), '{{}}') FROM page),
                                          :limit, true)) AS client_id
    ), allowed AS MATERIALIZED (
        SELECT client_id, surrogate FROM page JOIN counted USING (client_id)
    ), lines AS (
        SELECT s.id, {line} AS line FROM (SELECT {shown} FROM {tables} JOIN allowed USING (client_id)) s
    ), kept AS (
        INSERT INTO journal_pending (leaf, at, kind, actor, system, employee, action, reason, clients)
        SELECT CASE WHEN allowed THEN CAST(:leaf AS uuid) ELSE CAST(:refused_leaf AS uuid) END, :now, 'client.exported',
               surrogate_of('employee', :viewer), :system, surrogate_of('employee', :viewer), 'export',
               CASE WHEN allowed THEN :reason ELSE 'limit' END, array_agg(surrogate ORDER BY client_id)
        FROM (SELECT client_id, page.surrogate, a.client_id IS NOT NULL AS allowed
              FROM page LEFT JOIN allowed a USING (client_id)) parted
        GROUP BY allowed ORDER BY allowed DESC
    )
    SELECT (SELECT string_agg(line, '' ORDER BY id) FROM lines) AS text, (SELECT count(*) FROM page) AS found,
           (SELECT count(*) FROM allowed) AS allowed, (SELECT max(client_id) FROM page) AS last
"""


async def page(work: UnitOfWork, format: Format, after: str, owners: list[str] | None, reason: str) -> Any:
    """The next clients after this id, of these owners of record (None: of all): `text`, how many were `found` and
    `allowed` (the others exceed the limit of the day), and the `last` id. One leaf each for those allowed and refused.
    """
    sql = EXPORT.format(
        mine="" if owners is None else "AND c.owner_id = ANY(:owners)",
        page=PAGE,
        line=LINES[format],
        shown=SHOWN,
        tables=FROM,
    )
    return await work.fetch_row(
        sql,
        after=after,
        viewer=work.actor,
        day=work.today.isoformat(),
        limit=work.settings.export_limit,
        leaf=uuid7(),
        refused_leaf=uuid7(),
        now=work.now,
        system=work.system,
        reason=reason,
        **({} if owners is None else {"owners": owners}),
    )


async def owners(work: UnitOfWork, heading: bool) -> list[str]:
    """Whose clients the caller may export: their own, those they stand in for, and as head those of their people."""
    rows = await work.fetch_rows(OWNERS, viewer=work.actor, heading=heading)
    return [row["employee_id"] for row in rows]
