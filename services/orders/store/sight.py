"""Who may see which order, as SQL about the row `o` of orders; `:actor` is the caller, `:now` the time.

Employees: orders where an open stage is theirs and not held, where they completed one in their present employment, or
that they placed. A frozen one: only what a `work` pass releases. Heads: also what people of their departments do, and
what waits for somebody. Held stages release nothing, so a rehire restores nothing.
"""

from shared.auth import Principal

OWN_OPEN = "SELECT order_id FROM stages WHERE employee_id = :actor AND open AND status <> 'held'"
RELEASED = f"""o.order_id IN ({OWN_OPEN}) AND EXISTS (
    SELECT 1 FROM passes q WHERE q.employee_id = :actor AND q.client_id = o.client_id AND NOT q.ended
    AND q.from_time <= :now AND q.until_time > :now)"""
# Sets of ids, each from an index of its own: one row is found by pushing its id into each, a list by going through them.
OWN = f"""{OWN_OPEN}
    UNION ALL SELECT s.order_id FROM stages s JOIN people me ON me.employee_id = s.employee_id
              WHERE s.employee_id = :actor AND me.status <> 'left'
              AND s.completed_on >= coalesce(me.hired_on, s.completed_on)
    UNION ALL SELECT b.order_id FROM orders b JOIN people me ON me.employee_id = b.placed_by
              WHERE b.placed_by = :actor AND me.status <> 'left'
              AND b.placed_on >= coalesce(me.hired_on, b.placed_on)"""
HEADED = """
    UNION ALL SELECT s.order_id FROM heads h JOIN people p ON p.department_id = h.department_id
              JOIN stages s ON s.employee_id = p.employee_id WHERE h.head_id = :actor
    UNION ALL SELECT order_id FROM stages WHERE open AND employee_id IS NULL"""


def visible(principal: Principal, frozen: bool) -> str:
    """The condition; it always mentions `:actor` and `:now`."""
    both = "(:actor = :actor AND CAST(:now AS timestamptz) IS NOT NULL)"
    if frozen:
        return f"({RELEASED})"
    if principal.has("director", "service"):
        return both
    return f"o.order_id IN ({OWN}{HEADED if principal.has('sales_head') else ''}) AND {both}"
