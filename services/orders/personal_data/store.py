"""What `orders` keeps of an employee, for whoever has a right to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.database import UnitOfWork

PERSONAL_DATA_SQL = """
    SELECT (SELECT jsonb_build_object('number', count(*), 'first', min(placed_on), 'last', max(placed_on))
            FROM orders WHERE placed_by = :id) AS placed,
           (SELECT jsonb_build_object('open', count(*) FILTER (WHERE open), 'completed', count(completed_on),
                                      'first', min(completed_on), 'last', max(completed_on))
            FROM stages WHERE employee_id = :id) AS stages,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'since', since, 'ended_at', ended_at) ORDER BY since),
                            '[]') FROM grounds WHERE employee_id = :id) AS freezes
"""


@dataclass(frozen=True)
class PersonalDataSummary:
    """Numbers of orders placed and of stages, each with the first and the last day; and every ground of a freeze."""

    placed: Mapping[str, int | str | None]
    stages: Mapping[str, int | str | None]
    freezes: Sequence[Mapping[str, str | None]]


async def get_personal_data(work: UnitOfWork, employee_id: str) -> PersonalDataSummary:
    found = await work.fetch_all(PersonalDataSummary, PERSONAL_DATA_SQL, id=employee_id)
    return found[0]
