"""What one employee used: reports of other systems, and what our own doors gave them, as the journal says."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from services.clients.access.store.decision import IS_ALLOWED_SQL, IS_RELATED_SQL, OWNERS_SQL
from services.clients.exposure import rules
from services.clients.journal.store import JOURNAL_VIEW
from services.clients.names.store import MERGED_SYSTEM
from services.clients.usage.store import get_usage_kept_since
from shared.calendar import get_local_day, get_start_of_day
from shared.database import UnitOfWork
from shared.people.store import is_known_sql

IS_READ_OR_EXPORTED_SQL = "action IN ('read', 'list', 'export')"


class ExposureEligibility(NamedTuple):
    """What allows to look at this person (None: nothing does), since when, and whether their department is left out."""

    basis: rules.ExposureBasis | None
    notice_on: date | None
    incident_on: date | None
    is_switched_off: bool

    @property
    def began(self) -> date | None:
        """The day of the notice, else of the newest incident."""
        return self.notice_on or self.incident_on


GET_STANDING_SQL = f"""
    WITH RECURSIVE above (department_id) AS (
        SELECT department_id FROM people WHERE employee_id = :employee_id AND department_id IS NOT NULL
        UNION
        SELECT d.parent_id FROM above a JOIN departments d USING (department_id) WHERE d.parent_id IS NOT NULL
    )
    SELECT p.status, g.departing, g.incident, n.notice_on,
           EXISTS (SELECT 1 FROM above WHERE department_id = ANY(CAST(:off AS text[]))) AS off
    FROM people p
    LEFT JOIN notices n ON n.employee_id = p.employee_id AND n.employment_id = p.employment_id
    LEFT JOIN LATERAL (
        SELECT min(since) FILTER (WHERE kind = 'departure' AND ended_at IS NULL AND reason IS DISTINCT FROM 'withdrawn')
                   AS departing,
               max(since) FILTER (WHERE kind = 'incident' AND ended_at IS NULL) AS incident
        FROM grounds WHERE employee_id = p.employee_id AND employment_id = p.employment_id
    ) g ON true
    WHERE p.employee_id = :employee_id AND ({is_known_sql("p")})
"""


async def get_exposure_eligibility(work: UnitOfWork, employee_id: str) -> ExposureEligibility | None:
    """None: nobody has heard of this person."""
    off = [part.strip() for part in work.settings.exposure_off.split(",") if part.strip()]
    row = await work.fetch_row(GET_STANDING_SQL, employee_id=employee_id, off=off)
    if row is None:
        return None
    today, timezone = work.today, work.settings.timezone
    departing, incident = (
        get_local_day(moment, timezone) if moment else None for moment in (row["departing"], row["incident"])
    )
    found = rules.find_exposure_basis(
        row["status"], is_departing=departing is not None, has_incident=incident is not None
    )
    notice_on = min(row["notice_on"] or departing or today, today) if found == "notice" else None
    return ExposureEligibility(found, notice_on, incident, row["off"])


async def upsert_notice(work: UnitOfWork, employee_id: str, employment_id: str, notice_on: date) -> None:
    await work.execute(
        """
        INSERT INTO notices (employee_id, employment_id, notice_on) VALUES (:id, :employment, :notice_on)
        ON CONFLICT (employee_id, employment_id) DO UPDATE SET notice_on = excluded.notice_on
        """,
        id=employee_id,
        employment=employment_id,
        notice_on=notice_on,
    )


async def delete_notice(work: UnitOfWork, employee_id: str, employment_id: str) -> None:
    """It does not hold any more: who leaves later has not been leaving since then."""
    await work.execute(
        "DELETE FROM notices WHERE employee_id = :id AND employment_id = :employment",
        id=employee_id,
        employment=employment_id,
    )


# A decision is a question, not a use: `access.checked` is none of these kinds. What was used of a client before it was
# merged into another is used of that one.
USED_SQL = f"""
    me AS MATERIALIZED (SELECT surrogate FROM surrogates WHERE kind = 'employee' AND id = :employee_id),
    told AS (
        SELECT client_id, action, rows, at FROM usage WHERE employee_id = :employee_id AND at >= :since
        UNION ALL
        SELECT s.id, j.action, 1, j.at
        FROM me JOIN {JOURNAL_VIEW} j ON j.employee = me.surrogate,
             unnest(coalesce(j.clients, ARRAY[j.client])) AS seen (surrogate) JOIN surrogates s USING (surrogate)
        WHERE j.kind IN ('client.accessed', 'client.listed', 'client.exported') AND j.{IS_READ_OR_EXPORTED_SQL}
        AND j.{IS_ALLOWED_SQL} AND j.at >= :since
    ),
    used AS MATERIALIZED (
        SELECT coalesce(e.client_id, t.client_id) AS client_id, t.client_id AS was_id, t.action, t.rows, t.at
        FROM told t LEFT JOIN external_ids e ON e.system = '{MERGED_SYSTEM}' AND e.id = t.client_id
    )
"""

USAGE_COUNTS_SQL = f"""count(*) FILTER (WHERE action = 'read') AS reads, count(*) FILTER (WHERE action = 'export') AS exports,
    coalesce(sum(rows) FILTER (WHERE {IS_READ_OR_EXPORTED_SQL}), 0) AS rows"""

LIST_USAGE_DAYS_SQL = f"""
    WITH {USED_SQL}, hourly AS (
        SELECT CAST(local AS date) AS day, CAST(extract(hour FROM local) AS int) AS hour, sum(rows) AS rows
        FROM (SELECT at AT TIME ZONE CAST(:zone AS text) AS local, rows FROM used
              WHERE {IS_READ_OR_EXPORTED_SQL}) u GROUP BY 1, 2
    )
    SELECT day, array_agg(hour) AS hours, array_agg(CAST(rows AS bigint)) AS rows FROM hourly GROUP BY day ORDER BY day
"""


async def list_usage_days(work: UnitOfWork, employee_id: str) -> list[rules.UsageDay]:
    """Each day of which anything is kept."""
    found = await work.fetch_rows(
        LIST_USAGE_DAYS_SQL, employee_id=employee_id, since=get_usage_kept_since(work), zone=work.settings.timezone
    )
    return [rules.UsageDay(row["day"], dict(zip(row["hours"], row["rows"], strict=True))) for row in found]


# Whose a client was is known of every moment; in whose team it was, only of now.
HAS_RELATION_SQL = " OR ".join(IS_RELATED_SQL.values())

LIST_USED_CLIENTS_SQL = f"""
    WITH {USED_SQL}, placed AS MATERIALIZED (
        SELECT u.*, at AT TIME ZONE CAST(:zone AS text) AS local FROM used u
    ), tally AS MATERIALIZED (
        SELECT client_id, {USAGE_COUNTS_SQL}, max(at) AS last_at FROM used GROUP BY client_id
    ), shown AS MATERIALIZED (
        SELECT * FROM tally
        WHERE CAST(:client_id AS text) IS NULL OR (exports, rows) < (CAST(:exports AS bigint), CAST(:rows AS numeric))
           OR (exports = :exports AND rows = :rows AND client_id > :client_id)
        ORDER BY exports DESC, rows DESC, client_id LIMIT :limit
    ), held AS MATERIALIZED (
        SELECT client_id, to_id, lead(at) OVER w AS until,
               CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE at END AS since
        FROM history WHERE client_id IN (SELECT unnest(ARRAY[client_id, was_id]) FROM used JOIN shown USING (client_id))
        WINDOW w AS (PARTITION BY client_id ORDER BY id)
    ), stood_in AS (
        SELECT employee_id, stand_in_id, at, lead(at) OVER (PARTITION BY employee_id ORDER BY id) AS until
        FROM stand_ins WHERE employee_id IN (SELECT to_id FROM held)
    ), theirs AS MATERIALIZED (
        SELECT client_id, since, until FROM held WHERE to_id = :employee_id
        UNION ALL
        SELECT h.client_id, greatest(h.since, s.at), least(h.until, s.until)
        FROM held h JOIN stood_in s ON s.employee_id = h.to_id WHERE s.stand_in_id = :employee_id
        UNION ALL
        SELECT client_id, from_time, least(until_time, withdrawn_at) FROM passes WHERE employee_id = :employee_id
        UNION ALL
        SELECT a.client_id, '-infinity', NULL
        FROM (SELECT client_id, CAST(:employee_id AS text) AS employee_id, CAST(:day AS text) AS day FROM shown) a
        JOIN people p ON p.employee_id = a.employee_id JOIN clients c ON c.client_id = a.client_id {OWNERS_SQL}
        WHERE {HAS_RELATION_SQL}
    ), judged AS (
        SELECT u.*, NOT EXISTS (SELECT 1 FROM theirs t WHERE t.client_id IN (u.client_id, u.was_id) AND u.at >= t.since
                                AND (t.until IS NULL OR u.at < t.until)) AS strange,
               {IS_READ_OR_EXPORTED_SQL} AND CAST(local AS date) = ANY(CAST(:bulk AS date[])) AS bulk,
               {IS_READ_OR_EXPORTED_SQL} AND date_trunc('hour', local) = ANY(CAST(:off AS timestamp[])) AS off
        FROM placed u JOIN shown USING (client_id)
    ), evidence AS (
        SELECT client_id,
               count(*) FILTER (WHERE action = 'export') AS export,
               max(local) FILTER (WHERE action = 'export') AS export_on,
               count(*) FILTER (WHERE strange) AS not_their_client,
               max(local) FILTER (WHERE strange) AS not_their_client_on,
               sum(rows) FILTER (WHERE bulk) AS bulk_read, max(local) FILTER (WHERE bulk) AS bulk_read_on,
               sum(rows) FILTER (WHERE off) AS off_hours, max(local) FILTER (WHERE off) AS off_hours_on
        FROM judged GROUP BY client_id
    )
    SELECT t.*, s.*, {", ".join(f"e.{flag}, e.{flag}_on" for flag in rules.CLIENT_FLAGS)}
    FROM (SELECT count(*) AS all_clients, coalesce(sum(reads), 0) AS all_reads, coalesce(sum(exports), 0) AS all_exports,
                 coalesce(sum(rows), 0) AS all_rows FROM tally) t
    LEFT JOIN (shown s JOIN evidence e USING (client_id)) ON true
    ORDER BY s.exports DESC, s.rows DESC, s.client_id
"""


async def list_used_clients_with_totals(
    work: UnitOfWork,
    employee_id: str,
    since: datetime,
    after: tuple[int, int, str] | None,
    limit: int,
    bulk_days: Sequence[date],
    off_hours: Sequence[datetime],
) -> tuple[rules.UsageTotals, list[rules.ClientUsage]]:
    """The totals since then, and the next clients with what of them is flagged: how much of it, and on which day last."""
    exports, rows, client_id = after or (None, None, None)
    found = await work.fetch_rows(
        LIST_USED_CLIENTS_SQL,
        employee_id=employee_id,
        since=since,
        exports=exports,
        rows=rows,
        client_id=client_id,
        limit=limit,
        bulk=list(bulk_days),
        off=list(off_hours),
        zone=work.settings.timezone,
        day=work.today.isoformat(),
    )
    totals = rules.UsageTotals(*(int(found[0][f"all_{name}"]) for name in ("clients", "reads", "exports", "rows")))
    return totals, [_read_client_usage(row) for row in found if row["client_id"] is not None]


def _read_client_usage(row: Mapping[str, Any]) -> rules.ClientUsage:
    flags = [
        rules.ClientFlag(flag, int(row[flag]), row[f"{flag}_on"].date())
        for flag in rules.CLIENT_FLAGS
        if row[f"{flag}_on"]
    ]
    return rules.ClientUsage(row["client_id"], row["reads"], row["exports"], int(row["rows"]), row["last_at"], flags)


COUNT_DECISIONS_SQL = f"""
    WITH me AS MATERIALIZED (SELECT surrogate FROM surrogates WHERE kind = 'employee' AND id = :employee_id), asked AS (
        SELECT j.reason FROM me JOIN {JOURNAL_VIEW} j ON j.employee = me.surrogate
        WHERE j.kind = 'access.checked' AND j.at >= :since
        UNION ALL
        SELECT one.decision->>1
        FROM me JOIN {JOURNAL_VIEW} j ON j.employees @> ARRAY[me.surrogate],
             ROWS FROM (unnest(j.employees), jsonb_array_elements(j.details->'decisions')) AS one (employee, decision)
        WHERE j.kind = 'access.checked' AND j.at >= :since AND one.employee = me.surrogate
    )
    SELECT count(*) AS asked, count(*) FILTER (WHERE {IS_ALLOWED_SQL}) AS allowed FROM asked
"""


async def count_access_checks(work: UnitOfWork, employee_id: str, since: datetime) -> rules.DecisionCounts:
    """How often it was asked what this person may do, and allowed: no use."""
    (counts,) = await work.fetch_all(rules.DecisionCounts, COUNT_DECISIONS_SQL, employee_id=employee_id, since=since)
    return counts


async def list_reporting_systems(work: UnitOfWork, since: datetime) -> list[rules.ReportingSystem]:
    """Those that reported nothing since then are silent."""
    return await work.fetch_all(
        rules.ReportingSystem,
        "SELECT system, since, last, last < :from_time AS silent FROM usage_systems ORDER BY system",
        from_time=since,
    )


LIST_USAGE_COUNTS_SQL = f"WITH {USED_SQL} SELECT client_id, {USAGE_COUNTS_SQL} FROM used GROUP BY client_id"


async def list_usage_counts_by_client(work: UnitOfWork, employee_id: str) -> dict[str, dict[str, int]] | None:
    """Per client its `reads` and `exports` by this person since the lookback's days before notice or incident.

    None: it may not be looked at.
    """
    found = await get_exposure_eligibility(work, employee_id)
    if found is None or found.began is None or found.is_switched_off:
        return None
    since = get_start_of_day(found.began - timedelta(days=work.settings.lookback_days), work.settings.timezone)
    rows = await work.fetch_rows(LIST_USAGE_COUNTS_SQL, employee_id=employee_id, since=since)
    return {row["client_id"]: {"reads": row["reads"], "exports": row["exports"]} for row in rows}
