"""Whose phone rings: the client with this number, and those who may talk to it, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.clients.access.store.decision import (
    OWNERS_SQL,
    has_unacknowledged_policy_sql,
    is_absent_sql,
)
from shared.database import UnitOfWork
from shared.people.store import is_working_sql

# The number as it is before the number with another code before it; clients that buy before those that might or did.
FIND_CALLING_CLIENT_SQL = """
    SELECT c.client_id, c.owner_id
    FROM profiles p JOIN clients c USING (client_id) WHERE p.terms @@ CAST(:ending AS tsquery)
    ORDER BY p.terms @@ CAST(:whole AS tsquery) DESC, p.status = 'active' DESC, p.status = 'closed', p.value DESC NULLS LAST,
             c.client_id LIMIT 1
"""

GET_CALL_ROUTE_SQL = f"""
    WITH found AS ({FIND_CALLING_CLIENT_SQL}), held AS (
        SELECT c.client_id, c.owner_id, o.department_id AS of_owner, h.employee_id AS in_hand, h.department_id AS of_in_hand,
               h.deputy_id, {is_absent_sql("h", "CAST(:day AS text)")} AS away
        FROM found c {OWNERS_SQL}
    ), candidates AS (
        SELECT t.employee_id, 'function' AS reason, 0 AS rank FROM held JOIN team t USING (client_id)
        WHERE t.function = CAST(:function AS text)
        UNION ALL SELECT in_hand, CASE WHEN in_hand = owner_id THEN 'owner' ELSE 'caretaker' END, 1 FROM held
        UNION ALL SELECT deputy_id, 'deputy', 2 FROM held WHERE away
        UNION ALL SELECT t.employee_id, 'team', 3 FROM held JOIN team t USING (client_id)
        UNION ALL SELECT s.employee_id, 'team', 3 FROM held JOIN open_stages s USING (client_id)
        UNION ALL SELECT heads.head_id, 'head', 4 + heads.distance
        FROM held JOIN heads ON heads.department_id IN (of_owner, of_in_hand)
        UNION ALL SELECT CAST(:last_resort AS text), 'last_resort', 1000 FROM held
    ), reachable AS (
        SELECT DISTINCT ON (k.employee_id) k.employee_id, k.reason, k.rank
        FROM candidates k JOIN people p USING (employee_id)
        WHERE {is_working_sql("p")} AND NOT {is_absent_sql("p", "CAST(:day AS text)")}
        AND NOT (p.settling AND k.rank IN (0, 3)) AND NOT {has_unacknowledged_policy_sql("CAST(:day AS text)")}
        ORDER BY k.employee_id, k.rank
    )
    SELECT client_id, coalesce((SELECT array_agg(employee_id ORDER BY rank, employee_id) FROM reachable
                                WHERE rank < 1000 OR NOT EXISTS (SELECT 1 FROM reachable WHERE rank < 1000)), '{{}}') AS ring,
           coalesce((SELECT reason FROM reachable ORDER BY rank, employee_id LIMIT 1), 'nobody') AS reason
    FROM held
"""


@dataclass(frozen=True, slots=True)
class CallRoute:
    """Ring these in their order. `reason` is that of the first: who they are to the client."""

    client_id: str | None
    ring: Sequence[str]
    reason: Literal[
        "function", "owner", "caretaker", "deputy", "team", "head", "last_resort", "nobody", "unknown_client"
    ]


async def get_call_route(
    work: UnitOfWork, whole_query: str, ending_query: str, function: str | None
) -> CallRoute | None:
    """Of the client whose phone numbers match these queries, of the whole number and of endings; None if there is none."""
    return await work.fetch_one(
        CallRoute,
        GET_CALL_ROUTE_SQL,
        whole=whole_query,
        ending=ending_query,
        function=function,
        day=work.today.isoformat(),
        last_resort=work.settings.last_resort,
    )
