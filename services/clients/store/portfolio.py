"""What cases and plans read: the clients of one owner of record with figures, team places, load."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.domain.knowing import year_before
from services.clients.store import decisions
from services.clients.store.clients import FROM, VALUE
from services.clients.store.risks import WEIGHT
from shared.database import UnitOfWork

PAGE = 1_000

PORTFOLIO = f"""
    SELECT c.client_id, coalesce(o.stand_in_id, c.owner_id) AS owner_id, c.owner_id AS record_owner_id, p.effort,
           CAST(CAST({VALUE} AS numeric(28, 2)) AS text) AS value, p.status,
           CAST(p.expected_value AS text) AS expected_value, p.regions, p.languages,
           coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = c.client_id), '{{}}')
               AS team,
           met.known_by, met.scores
    FROM {FROM} CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(employee_id, n), '{{}}') AS known_by,
               coalesce(jsonb_object_agg(employee_id, score), '{{}}') AS scores
        FROM (SELECT employee_id, count(*) AS n, sum({WEIGHT}) AS score
              FROM interactions JOIN people USING (employee_id)
              WHERE client_id = c.client_id AND at > :since AND at <= :now
              AND (status IS DISTINCT FROM 'left' OR employee_id = :employee_id) GROUP BY employee_id) i
    ) met
    WHERE c.owner_id = :employee_id AND c.client_id > :after ORDER BY c.client_id LIMIT {PAGE}
"""


async def portfolio(work: UnitOfWork, employee_id: str, after: str) -> Sequence[Mapping[str, Any]]:
    """The next clients of this owner of record, by id; `known_by` counts who met them in 12 months, `scores` weighs it."""
    return await work.fetch_rows(
        PORTFOLIO,
        employee_id=employee_id,
        after=after,
        since=year_before(work.now),
        now=work.now,
        day=decisions.moment(work)["day"],
    )


async def team_places(work: UnitOfWork, employee_id: str, after: tuple[str, str]) -> Sequence[Mapping[str, Any]]:
    """The next places of this person in teams, by client and function."""
    return await work.fetch_rows(
        """
        SELECT t.client_id, t.function, coalesce(o.stand_in_id, c.owner_id) AS owner_id
        FROM team t JOIN clients c USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id
        WHERE t.employee_id = :employee_id AND (t.client_id, t.function) > (:client, :function)
        ORDER BY t.client_id, t.function LIMIT 1000
        """,
        employee_id=employee_id,
        client=after[0],
        function=after[1],
    )


async def loads(work: UnitOfWork) -> Sequence[Mapping[str, Any]]:
    """What weighs on each acting owner: effort points and how many clients."""
    return await work.fetch_rows(
        """
        SELECT coalesce(o.stand_in_id, c.owner_id) AS employee_id, sum(p.effort) AS effort, count(*) AS clients
        FROM clients c JOIN profiles p USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id
        GROUP BY 1 ORDER BY 1
        """
    )
