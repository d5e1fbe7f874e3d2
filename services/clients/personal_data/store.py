"""What `clients` keeps of an employee, for whoever has a right to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.clients.access.store.decision import has_unacknowledged_policy_sql
from services.clients.journal.store import JOURNAL_VIEW
from shared.database import UnitOfWork

# `:clients`: with the ids of clients, for a person who may see them.
GET_PERSONAL_DATA_SQL = f"""
    WITH mine AS (
        SELECT client_id FROM history WHERE to_id = :id
    ), met AS (
        SELECT client_id, at, summary FROM interactions WHERE :id IN (employee_id, by_id)
    ), said AS (
        SELECT at, note FROM feedback WHERE by_id = :id
    ), me AS (
        SELECT surrogate FROM surrogates WHERE kind = 'employee' AND id = :id
    ), decided AS (
        SELECT j.at FROM me JOIN {JOURNAL_VIEW} j ON j.employee = me.surrogate
        UNION ALL SELECT j.at FROM me JOIN {JOURNAL_VIEW} j ON j.employees @> ARRAY[me.surrogate]
    )
    SELECT jsonb_build_object(
            'owner_of', (SELECT count(*) FROM clients WHERE owner_id = :id),
            'ever_owner_of', (SELECT count(DISTINCT client_id) FROM mine),
            'team_places', (SELECT count(*) FROM team WHERE employee_id = :id),
            'known_alone', (SELECT count(*) FROM client_risks WHERE alone_id = :id),
            'client_ids', CASE WHEN :clients AND NOT EXISTS (
                SELECT 1 FROM people p WHERE employee_id = :id AND {has_unacknowledged_policy_sql("CAST(:day AS text)")}) THEN (
                SELECT jsonb_agg(client_id ORDER BY client_id) FROM (
                    SELECT client_id FROM clients WHERE owner_id = :id UNION SELECT client_id FROM team WHERE employee_id = :id) c)
            END) AS clients,
        (SELECT jsonb_build_object('number', count(*), 'first', min(at), 'last', max(at), 'with_summary', count(summary))
         FROM met) AS interactions,
        (SELECT jsonb_build_object('number', count(*), 'first', min(at), 'last', max(at), 'with_note', count(note))
         FROM said) AS feedback,
        (SELECT jsonb_build_object('number', count(*), 'first', min(at), 'last', max(at)) FROM decided) AS journal,
        (SELECT jsonb_build_object('number', count(*), 'first', min(at), 'last', max(at)) FROM usage WHERE employee_id = :id)
            AS usage,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'since', since, 'ended_at', ended_at) ORDER BY since), '[]')
         FROM grounds WHERE employee_id = :id) AS freezes,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('purpose', purpose, 'from', from_time, 'until', until_time,
             'withdrawn_at', withdrawn_at) ORDER BY from_time), '[]')
         FROM passes WHERE employee_id = :id) AS passes,
        (SELECT jsonb_build_object('days', count(*), 'clients', coalesce(sum(clients), 0), 'first', min(day), 'last', max(day))
         FROM export_days WHERE employee_id = :id) AS exports,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('day', day, 'clients', clients, 'granted_at', granted_at,
             'withdrawn_at', withdrawn_at) ORDER BY granted_at), '[]')
         FROM export_grants WHERE employee_id = :id) AS export_grants,
        (SELECT jsonb_build_object('number', count(*), 'first', min(at), 'last', max(at)) FROM liftings
         WHERE :id IN (employee_id, by_id)) AS liftings,
        (SELECT jsonb_build_object('number', count(*)) FROM stand_ins WHERE stand_in_id = :id) AS stood_in
"""


Figures = Mapping[str, int | str | None]


@dataclass(frozen=True)
class PersonalDataSummary:
    """By kind: numbers, first and last; contents where they are the person's own."""

    clients: Mapping[str, int | Sequence[str] | None]
    interactions: Figures
    feedback: Figures
    journal: Figures
    usage: Figures
    freezes: Sequence[Mapping[str, str | None]]
    passes: Sequence[Mapping[str, str | None]]
    exports: Figures
    export_grants: Sequence[Figures]
    liftings: Figures
    stood_in: Figures


async def get_personal_data(work: UnitOfWork, employee_id: str, may_see_client_ids: bool) -> PersonalDataSummary:
    named = {"id": employee_id, "clients": may_see_client_ids, "day": work.today.isoformat()}
    (found,) = await work.fetch_all(PersonalDataSummary, GET_PERSONAL_DATA_SQL, **named)
    return found
