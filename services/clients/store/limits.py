"""How many clients an employee may export on a day: counted under a lock of the employee and day, across all replicas.

`within_export_limit` (migration 0003) does it; a client that was counted today is never refused.
"""

from collections.abc import Sequence

from services.clients.store.decisions import ALLOWING
from shared import people
from shared.database import UnitOfWork

KEPT_DAYS = 2
BATCH = 20_000

# Of decisions `judged`, those of exports that would exceed the limit become `limit`; in the order of employees, so that
# no two statements wait for each other. Nothing is counted of a call that may not ask.
LIMITED = f"""
    exporting AS MATERIALIZED (
        SELECT employee_id, within_export_limit(employee_id, CAST(day AS date), clients, {{limit}}, {{counting}}) AS within
        FROM (SELECT employee_id, day, array_agg(client_id ORDER BY nth) AS clients FROM judged
              WHERE action = 'export' AND {ALLOWING} AND (SELECT bool_and(may_ask) FROM judged)
              GROUP BY employee_id, day ORDER BY employee_id OFFSET 0) wanted
    ), limited AS MATERIALIZED (
        SELECT {{columns}},
               CASE WHEN action = 'export' AND {ALLOWING} AND client_id <> ALL(within) THEN 'limit' ELSE reason END AS reason
        FROM judged LEFT JOIN exporting USING (employee_id)
    )"""


async def within_limit(work: UnitOfWork, employee_id: str, client_ids: Sequence[str]) -> set[str]:
    """Which of these clients the employee may export today; they are counted. The others are too many."""
    within = await work.scalar(
        "SELECT within_export_limit(:employee_id, :day, :clients, :limit, true)",
        employee_id=employee_id,
        day=people.today(work),
        clients=list(client_ids),
        limit=work.settings.export_limit,
    )
    return set(within)
