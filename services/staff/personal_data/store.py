"""What staff keeps of an employee."""

from pydantic import JsonValue

from shared.database import UnitOfWork

PERSONAL_DATA = """
    SELECT to_jsonb(e) - ARRAY['body_hash', 'version', 'said'] AS profile,
           (SELECT coalesce(jsonb_agg(to_jsonb(f) - 'employee_id' ORDER BY f.hired_on), '[]')
            FROM employments f WHERE f.employee_id = e.id) AS former_employments,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'at', at, 'by_id', by_id, 'reason', reason)
                                      ORDER BY id), '[]')
            FROM life_changes c WHERE c.employee_id = e.id) AS changes,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'held_at', held_at, 'state', state, 'reason', reason)
                                      ORDER BY held_at), '[]')
            FROM holds h WHERE h.employee_id = e.id) AS held_departures,
           (SELECT coalesce(jsonb_agg(to_jsonb(a) - 'employee_id' ORDER BY a.at), '[]')
            FROM acknowledgements a WHERE a.employee_id = e.id) AS acknowledgements,
           (SELECT jsonb_build_object('number', count(*), 'with_body', count(body), 'first', min(received_at),
                                      'last', max(received_at))
            FROM hris_messages m WHERE m.employee_id = e.id) AS hris_messages,
           (SELECT jsonb_build_object('manager_of', count(*) FILTER (WHERE o.manager_id = e.id),
                                      'deputy_of', count(*) FILTER (WHERE o.deputy_id = e.id))
            FROM employees o WHERE e.id IN (o.manager_id, o.deputy_id)) AS others
    FROM employees e WHERE e.id = :id
"""


async def get_personal_data(work: UnitOfWork, employee_id: str) -> dict[str, JsonValue] | None:
    """By kind; None: there is no such employee."""
    row = await work.fetch_row(PERSONAL_DATA, id=employee_id)
    return dict(row) if row else None
