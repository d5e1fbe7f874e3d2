"""The export: lines of NDJSON or CSV written by the database, decided and journaled page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.clients.access.store.decision import IS_RELATED_SQL
from services.clients.holdings.store.owners import ADMITTED_OWNER_SQL
from services.clients.journal.store import insert_entries_sql
from services.clients.register.store import CLIENT_COLUMNS_SQL, CLIENT_TABLES_SQL
from shared.database import UnitOfWork
from shared.ids import uuid7

EXPORT_PAGE_SIZE = 5_000
ExportFormat = Literal["csv", "ndjson"]

# What is exported of a client, in this order: all that the API shows of it but whether it is unowned, and its version.
EXPORT_FIELDS: Mapping[str, str] = {
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

CSV_LINE_SQL = " || ',' || ".join(
    f"""coalesce('"' || replace(CAST({sql} AS text), '"', '""') || '"', '')""" for sql in EXPORT_FIELDS.values()
)

# By hand: a third faster than `json_build_object`, which looks up how to write each value anew for each row.
JSON_LINE_SQL = " || ', ' || ".join(
    f"""'"{name}": ' || coalesce(CAST(to_json({sql}) AS text), 'null')""" for name, sql in EXPORT_FIELDS.items()
)

LINE_SQL: Mapping[ExportFormat, str] = {
    "csv": rf"{CSV_LINE_SQL} || E'\r\n'",
    "ndjson": rf"'{{' || {JSON_LINE_SQL} || E'}}\n'",
}
EXPORT_HEADINGS: Mapping[ExportFormat, str] = {"csv": ",".join(EXPORT_FIELDS) + "\r\n", "ndjson": ""}

# Export is for those who have a client in hand and for heads: so whose clients they are decides, not each client.
LIST_EXPORTABLE_OWNERS_SQL = f"""
    SELECT o.employee_id FROM (SELECT CAST(:actor AS text) AS employee_id) a CROSS JOIN people o
    LEFT JOIN people h ON h.employee_id = {ADMITTED_OWNER_SQL}
    WHERE {IS_RELATED_SQL["owner"]} OR {IS_RELATED_SQL["caretaker"]} OR (:as_head AND {IS_RELATED_SQL["head"]})
"""

GET_EXPORT_PAGE_SQL = """
    WITH page AS MATERIALIZED (
        SELECT c.client_id, c.surrogate FROM clients c WHERE c.client_id > :after {mine} ORDER BY c.client_id LIMIT {page}
    ), counted AS MATERIALIZED (
        SELECT unnest(within_export_limit(:actor, CAST(CAST(:day AS text) AS date),
                                          (SELECT coalesce(array_agg(client_id ORDER BY client_id), '{{}}') FROM page),
                                          :limit, true)) AS client_id
    ), allowed AS MATERIALIZED (
        SELECT client_id, surrogate FROM page JOIN counted USING (client_id)
    ), lines AS (
        SELECT s.id, {line} AS line FROM (SELECT {shown} FROM {tables} JOIN allowed USING (client_id)) s
    ), journaled AS ({journal})
    SELECT coalesce((SELECT string_agg(line, '' ORDER BY id) FROM lines), '') AS text, (SELECT count(*) FROM page) AS found_count,
           (SELECT count(*) FROM allowed) AS allowed_count, (SELECT max(client_id) FROM page) AS last_id
"""


JOURNAL_PAGE_SQL = insert_entries_sql(
    """FROM (SELECT client_id, page.surrogate, a.client_id IS NOT NULL AS allowed
             FROM page LEFT JOIN allowed a USING (client_id)) parted
       GROUP BY allowed ORDER BY allowed DESC""",
    leaf="CASE WHEN allowed THEN CAST(:leaf AS uuid) ELSE CAST(:refused_leaf AS uuid) END",
    kind="'client.exported'",
    system=":system",
    employee="surrogate_of('employee', :actor)",
    action="'export'",
    reason="CASE WHEN allowed THEN :reason ELSE 'limit' END",
    clients="array_agg(surrogate ORDER BY client_id)",
)


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Lines of `allowed_count` of the `found_count` clients: the others exceed the limit of the day. `last_id`: the last found."""

    text: str
    found_count: int
    allowed_count: int
    last_id: str | None

    @property
    def is_limited(self) -> bool:
        return self.allowed_count < self.found_count

    @property
    def has_next(self) -> bool:
        return self.found_count == EXPORT_PAGE_SIZE and not self.is_limited


async def get_and_journal_export_page(
    work: UnitOfWork, format: ExportFormat, after: str, owner_ids: list[str] | None, reason: str
) -> ExportPage:
    """The next clients after this id, of these owners of record (None: of all). One leaf each for those allowed and refused."""
    (page,) = await work.fetch_all(
        ExportPage,
        GET_EXPORT_PAGE_SQL.format(
            mine="" if owner_ids is None else "AND c.owner_id = ANY(:owners)",
            page=EXPORT_PAGE_SIZE,
            line=LINE_SQL[format],
            shown=CLIENT_COLUMNS_SQL,
            tables=CLIENT_TABLES_SQL,
            journal=JOURNAL_PAGE_SQL,
        ),
        after=after,
        day=work.today.isoformat(),
        limit=work.settings.export_limit,
        leaf=uuid7(),
        refused_leaf=uuid7(),
        system=work.system,
        reason=reason,
        owners=owner_ids,
    )
    return page


async def list_exportable_owner_ids(work: UnitOfWork, as_head: bool) -> list[str]:
    """Whose clients the actor may export: their own, those they stand in for, and as head those of their people."""
    return await work.fetch_values(LIST_EXPORTABLE_OWNERS_SQL, as_head=as_head)
