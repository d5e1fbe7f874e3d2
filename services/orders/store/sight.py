"""Who may see which order, as SQL about the row `o` of orders; `:actor` is the caller, `:now` the time.

Employees: orders where an open stage is theirs and not held, where they completed one in their present employment, or
that they placed. A frozen one: only what a `work` pass releases. Heads: also what people of their departments do, and
what waits for somebody. Held stages release nothing, so a rehire restores nothing.
"""

from shared.auth import Principal
from shared.people import heads_of

OWN_OPEN = """EXISTS (SELECT 1 FROM stages s WHERE s.order_id = o.order_id AND s.employee_id = :actor
                      AND s.open AND s.status <> 'held')"""
RELEASED = """EXISTS (SELECT 1 FROM passes q WHERE q.employee_id = :actor AND q.client_id = o.client_id AND NOT q.ended
                     AND q.from_time <= :now AND q.until_time > :now)"""
OWN = f"""({OWN_OPEN}
    OR EXISTS (SELECT 1 FROM people me WHERE me.employee_id = :actor AND me.status <> 'left' AND (
        EXISTS (SELECT 1 FROM stages s WHERE s.order_id = o.order_id AND s.employee_id = :actor
                AND s.completed_on >= coalesce(me.hired_on, s.completed_on))
        OR o.placed_by = :actor AND o.placed_on >= coalesce(me.hired_on, o.placed_on))))"""
HEADED = f"""(EXISTS (SELECT 1 FROM stages s JOIN people p ON p.employee_id = s.employee_id
                      WHERE s.order_id = o.order_id AND {heads_of("p")})
    OR EXISTS (SELECT 1 FROM stages s WHERE s.order_id = o.order_id AND s.open AND s.employee_id IS NULL))"""


def visible(principal: Principal, frozen: bool) -> str:
    """The condition; it always mentions `:actor` and `:now`."""
    both = "(:actor = :actor AND CAST(:now AS timestamptz) IS NOT NULL)"
    if frozen:
        return f"({OWN_OPEN} AND {RELEASED})"
    if principal.has("director", "service"):
        return both
    return f"({OWN} OR {HEADED}) AND {both}" if principal.has("sales_head") else f"({OWN}) AND {both}"
