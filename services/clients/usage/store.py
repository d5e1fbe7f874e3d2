"""What was really used, as other systems report it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.clients.names.store import MERGED_SYSTEM
from shared.database import UnitOfWork, to_columns
from shared.people.store import is_unknown_sql

MAX_CLOCK_LEAD = timedelta(minutes=5)  # how far a reporter's clock may be before ours
DELETE_BATCH_SIZE = 20_000  # rows that are forgotten at a time

INSERT_USAGE_SQL = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:item AS uuid[]), CAST(:employee_id AS text[]), CAST(:client_id AS text[]),
                             CAST(:action AS text[]), CAST(:rows AS int[]), CAST(:at AS timestamptz[]),
                             CAST(:system AS text[]), CAST(:is_named AS boolean[])) WITH ORDINALITY
             AS g (item, employee_id, client_id, action, rows, at, system, named, nth)
    ), judged AS MATERIALIZED (
        SELECT g.*, row_number() OVER (PARTITION BY item ORDER BY nth) AS time, CASE
            WHEN {is_unknown_sql("p")} OR EXISTS (
                SELECT 1 FROM erasures e WHERE e.kind = 'employee' AND e.id = g.employee_id) THEN 'unknown_employee'
            WHEN c.client_id IS NULL THEN 'unknown_client'
            WHEN g.at > :latest THEN 'in_the_future'
            WHEN g.at < :oldest THEN 'too_old' END AS reason
        FROM given g LEFT JOIN people p USING (employee_id) LEFT JOIN clients c USING (client_id)
    ), before AS MATERIALIZED (  -- reported of a client that was merged into this one since
        SELECT nth FROM judged g JOIN external_ids e ON e.system = :merged AND e.client_id = g.client_id
        JOIN usage u ON (u.employee_id, u.client_id, u.action, u.rows, u.at, u.system)
                      = (g.employee_id, e.id, g.action, g.rows, g.at, g.system)
        WHERE NOT g.named
    ), made AS (
        INSERT INTO usage (item, employee_id, client_id, action, rows, at, system)
        SELECT item, employee_id, client_id, action, rows, at, system
        FROM judged WHERE reason IS NULL AND time = 1 AND nth NOT IN (SELECT nth FROM before) ORDER BY item
        ON CONFLICT DO NOTHING RETURNING item
    ), reporting AS (
        INSERT INTO usage_systems AS s (system, since, last)
        SELECT system, min(at), max(at) FROM judged WHERE reason IS NULL GROUP BY system ORDER BY system
        ON CONFLICT (system) DO UPDATE SET since = least(s.since, excluded.since), last = greatest(s.last, excluded.last)
        WHERE excluded.since < s.since OR excluded.last > s.last
    )
    SELECT j.reason AS refusal, m.item IS NOT NULL AND j.time = 1 AS is_new
    FROM judged j LEFT JOIN made m USING (item) ORDER BY nth
"""

DELETE_USAGE_SQL = """
    WITH old AS MATERIALIZED (
        SELECT item FROM usage WHERE at < :before LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    DELETE FROM usage WHERE item IN (SELECT item FROM old)
"""


class UsageRecord(NamedTuple):
    """One item of a report. `rows`: how many records it was, for example of a list or an export."""

    employee_id: str
    client_id: str
    action: str
    rows: int
    at: datetime
    system: str
    id: str | None = None

    @property
    def item(self) -> str:
        """The same for the same item: by what its system calls it, else by all that is said of it."""
        identity = [self.system, self.id] if self.id else [*self[:4], self.at.astimezone(UTC).isoformat(), self.system]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]

    @property
    def is_named(self) -> bool:
        """Whether its system calls it something."""
        return self.id is not None


@dataclass(frozen=True, slots=True)
class UsageOutcome:
    """Whether a record is new, or why it is refused: `unknown_employee`, `unknown_client`, `in_the_future`, `too_old`."""

    is_new: bool
    refusal: str | None


async def insert_usage(work: UnitOfWork, records: Sequence[UsageRecord]) -> list[UsageOutcome]:
    """Up to 1,000 by one statement."""
    return await work.fetch_all(
        UsageOutcome,
        INSERT_USAGE_SQL,
        **to_columns(records, "item", "employee_id", "client_id", "action", "rows", "at", "system", "is_named"),
        merged=MERGED_SYSTEM,
        latest=work.now + MAX_CLOCK_LEAD,
        oldest=get_usage_kept_since(work),
    )


def get_usage_kept_since(work: UnitOfWork) -> datetime:
    return work.now - timedelta(days=work.settings.usage_keep)


async def delete_expired_usage(work: UnitOfWork) -> int:
    """Deletes a batch of what is kept no longer; how many rows that were."""
    return await work.execute(DELETE_USAGE_SQL, before=get_usage_kept_since(work), batch=DELETE_BATCH_SIZE)


async def erase_usage_of_employee(work: UnitOfWork, employee_id: str) -> int:
    """How many records that were."""
    return await work.execute("DELETE FROM usage WHERE employee_id = :id", id=employee_id)
