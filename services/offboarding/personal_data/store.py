"""What offboarding keeps of an employee, read from all its subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.database import UnitOfWork

PERSONAL_DATA = """
    WITH own AS (
        SELECT id, status, opened_at, last_day, cleared_at, cancelled_at FROM cases WHERE employee_id = :id
    )
    SELECT (SELECT coalesce(jsonb_agg(to_jsonb(own) ORDER BY opened_at), '[]') FROM own) AS cases,
           (SELECT jsonb_build_object('number', count(*), 'done', count(*) FILTER (WHERE status = 'done'),
                                      'first', min(opened_at), 'last', max(opened_at))
            FROM tasks WHERE :id IN (assignee_id, closed_by)) AS tasks,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'at', closed_at, 'proof', proof) ORDER BY closed_at), '[]')
            FROM tasks WHERE closed_by = :id AND proof IS NOT NULL) AS proofs,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('title', title, 'kind', kind, 'location', location, 'status', status)
                                      ORDER BY listed_at), '[]')
            FROM documents WHERE listed_by = :id AND (:may_see_clients OR client_id IS NULL)) AS documents,
           (SELECT jsonb_build_object('listed', count(*) FILTER (WHERE listed_by = :id),
                                      'received', count(*) FILTER (WHERE received_by = :id))
            FROM documents WHERE :id IN (listed_by, received_by)) AS inventory,
           (SELECT jsonb_build_object('as_leaver', count(*) FILTER (WHERE from_id = :id),
                                      'as_successor', count(*) FILTER (WHERE to_id = :id))
            FROM introductions WHERE :id IN (from_id, to_id)) AS introductions,
           (SELECT jsonb_build_object('number', count(*), 'first', min(opened_at), 'last', max(opened_at))
            FROM visits WHERE :id IN (assignee_id, closed_by)) AS visits
"""


@dataclass(frozen=True)
class PersonalData:
    """Own cases; numbers of tasks and visits with the first and the last; what they proved, listed, received and introduced."""

    cases: Sequence[Mapping[str, str | None]]
    tasks: Mapping[str, int | str | None]
    proofs: Sequence[Mapping[str, object]]
    documents: Sequence[Mapping[str, str | None]]
    inventory: Mapping[str, int]
    introductions: Mapping[str, int]
    visits: Mapping[str, int | str | None]


async def get_personal_data(work: UnitOfWork, employee_id: str, may_see_clients: bool) -> PersonalData:
    """Documents about clients only for who may see them."""
    found = await work.fetch_all(PersonalData, PERSONAL_DATA, id=employee_id, may_see_clients=may_see_clients)
    return found[0]
