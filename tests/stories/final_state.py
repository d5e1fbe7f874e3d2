"""How a story ended: the rows of all services without times, ids made up on the way, and versions."""

from collections.abc import Mapping
from typing import Any

from tests.support.house import House

PEOPLE = "SELECT employee_id, status, frozen, stand_in_id, unowned, settling FROM people ORDER BY 1"

GROUNDS = """
    SELECT employee_id, kind, ref, case_id IS NOT NULL AS bound, ended_at IS NOT NULL AS ended
    FROM grounds ORDER BY 1, 2, length(ref), ref
"""

# A repeated read is a decision of its own, and journaled again; so its entries may repeat where a reader crashed.
SENT = "SELECT type, count(*) FROM outbox WHERE type <> 'journal.entry' GROUP BY 1 ORDER BY 1"

# Decisions and reads are journaled again where whoever asked crashed and asked anew; changes are journaled once.
CHANGES = """
    SELECT kind, count(*) FROM journal_entries
    WHERE action IS NULL AND kind !~ '(checked|read|listed|streamed|accessed)$' GROUP BY 1 ORDER BY 1
"""

ROWS: Mapping[str, Mapping[str, str]] = {
    "staff": {
        "employees": """
            SELECT id, status, notice_on, last_day, left_on, manager_id, deputy_id, department_id
            FROM employees ORDER BY id
        """,
        "employments": """
            SELECT employee_id, hired_on, notice_on, last_day, left_on FROM employments ORDER BY 1, 2, left_on
        """,
        "life": "SELECT employee_id, kind, status, last_day, left_on, by_id FROM life_changes ORDER BY 1, id",
        "departments": "SELECT id, parent_id, head_id FROM departments ORDER BY 1",
        "news": "SELECT type, employee_id, outcome, reason FROM hris_messages ORDER BY received_at",
        "holds": "SELECT employee_id, kind, state, frozen, decided_by FROM holds ORDER BY 1, held_at",
        "sent": SENT,
    },
    "clients": {
        "clients": """
            SELECT client_id, owner_id, coalesce(stand_in_id, owner_id) AS acting
            FROM clients JOIN people ON employee_id = owner_id ORDER BY 1
        """,
        "people": PEOPLE,
        "grounds": GROUNDS,
        "history": "SELECT client_id, kind, from_id, to_id, case_id IS NOT NULL AS of_case FROM history ORDER BY 1, id",
        "stand_ins": "SELECT employee_id, stand_in_id, unowned FROM stand_ins ORDER BY 1, id",
        "portfolios": "SELECT owner_id, clients FROM portfolios WHERE clients > 0 ORDER BY 1",
        "team": "SELECT client_id, function, employee_id FROM team ORDER BY 1, 2",
        "passes": """
            SELECT employee_id, client_id, purpose, withdrawn_at IS NOT NULL AS withdrawn
            FROM passes ORDER BY 1, 2, 3, 4
        """,
        "stages": "SELECT order_id, stage, client_id, employee_id FROM open_stages ORDER BY 1, 2",
        "journal": CHANGES,
        "sent": SENT,
    },
    "orders": {
        "orders": "SELECT order_id, client_id, status FROM orders ORDER BY 1",
        "stages": "SELECT order_id, name, employee_id, status, held_from FROM stages ORDER BY order_id, position",
        "people": PEOPLE,
        "grounds": GROUNDS,
        "clients": "SELECT client_id FROM known_clients ORDER BY 1",
        "passes": "SELECT employee_id, client_id, begun, ended FROM passes ORDER BY 1, 2, 3, 4",
        "sent": SENT,
    },
    "offboarding": {
        "cases": "SELECT employee_id, status, step, undo, epoch, last_day, last_day_over FROM cases ORDER BY opened_at",
        "steps": """
            SELECT employee_id, s.name, s.status FROM case_steps s JOIN cases ON cases.id = case_id
            ORDER BY opened_at, s.name
        """,
        "items": """
            SELECT employee_id, i.step, i.name, i.status, i.reason FROM case_items i JOIN cases ON cases.id = case_id
            ORDER BY opened_at, i.step, i.name
        """,
        "jobs": "SELECT kind, jobs.status, employee_id FROM jobs JOIN cases c ON c.id = case_id ORDER BY opened_at, 1",
        "plans": """
            SELECT employee_id, version, p.status, approved_by, round(CAST(objective AS numeric), 6)
            FROM plans p JOIN cases ON cases.id = case_id ORDER BY opened_at, version
        """,
        "moves": """
            SELECT employee_id, version, part, client_id, order_id, stage, function, to_id, outcome, returned, unplaced
            FROM moves JOIN cases ON cases.id = case_id ORDER BY opened_at, version, part, client_id, order_id, stage
        """,
        "tasks": """
            SELECT employee_id, t.kind, t.status, assignee_id, due_on, closed_by FROM tasks t
            JOIN cases ON cases.id = case_id ORDER BY cases.opened_at, t.kind
        """,
        "introductions": """
            SELECT employee_id, client_id, from_id, to_id, form, i.status, due_on, pass_status FROM introductions i
            JOIN cases ON cases.id = case_id ORDER BY cases.opened_at, client_id, i.opened_at
        """,
        "visits": """
            SELECT employee_id, client_id, rank, v.status, outcome, assignee_id, due_on FROM visits v
            JOIN cases ON cases.id = case_id ORDER BY cases.opened_at, client_id, rank
        """,
        "timeline": """
            SELECT employee_id, what, t.step, count(*) FROM timeline t JOIN cases ON cases.id = case_id
            GROUP BY opened_at, 1, 2, 3 ORDER BY opened_at, 2, 3
        """,
        "followups": "SELECT client_id, successor_id, revenue FROM followups ORDER BY 1, 2",
        "people": PEOPLE,
        "sent": SENT,
    },
}


async def read_final_state(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Rows by `service.table`."""
    return {
        f"{service}.{table}": [tuple(row.values()) for row in await house.rows(service, sql)]
        for service, tables in ROWS.items()
        for table, sql in tables.items()
    }
