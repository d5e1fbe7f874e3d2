"""Who may know about a case and who heads it, asked of the database."""

from collections.abc import Sequence
from typing import Any

from services.offboarding.permissions import rules
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.paging import Paging

# For a row `c` of cases. A head of sales sees the departments that they head; a director and hr see all.
IS_HEAD = """
    (:heads AND c.employee_id <> :actor AND (:actor = :last_resort OR EXISTS (
        SELECT 1 FROM people p JOIN heads h ON h.department_id = p.department_id
        WHERE p.employee_id = c.employee_id AND h.head_id = :actor)))
"""

# Anybody knows of their own case, and of those in which something waits, or has waited, for them; who is frozen or has left,
# of their own alone.
MAY_SEE_CASE_SQL = f"""
    (:all OR {IS_HEAD} OR c.employee_id = :actor OR NOT :frozen AND (
     EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM visits v WHERE v.case_id = c.id AND v.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM documents d WHERE d.case_id = c.id AND d.receiver_id = :actor)
     OR EXISTS (SELECT 1 FROM introductions i WHERE i.case_id = c.id AND i.to_id = :actor)))
"""


def viewer_parameters(work: UnitOfWork, viewer: rules.Viewer) -> dict[str, Any]:
    """What conditions about the caller speak of; a statement takes those that it names."""
    return {
        "actor": viewer.sub,
        "all": viewer.sees_all(),
        "frozen": viewer.frozen,
        "director": "director" in viewer.roles,
        "heads": "sales_head" in viewer.roles,
        "last_resort": work.settings.last_resort or "",
    }


async def get_visible_case(work: UnitOfWork, viewer: rules.Viewer, case_id: str) -> rules.Row:
    """The case's row, for those who may know of it. Raises `NotFound`."""
    row = await work.fetch_row(
        f"SELECT c.* FROM cases c WHERE c.id = :id AND {MAY_SEE_CASE_SQL}",
        id=case_id,
        **viewer_parameters(work, viewer),
    )
    if row is None:
        raise NotFound
    return row


async def is_head_of_case(work: UnitOfWork, viewer: rules.Viewer, case_id: str) -> bool:
    """Whether the caller is head of sales for this case: a director, or a head of the leaver's department; never the leaver."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM cases c WHERE c.id = :id AND c.employee_id <> :actor AND (:director OR {IS_HEAD})",
            id=case_id,
            **viewer_parameters(work, viewer),
        )
    )


async def get_leaver_id(work: UnitOfWork, case_id: str) -> str:
    """Raises `NotFound`."""
    leaver: str | None = await work.fetch_value("SELECT employee_id FROM cases WHERE id = :id", id=case_id)
    if leaver is None:
        raise NotFound
    return leaver


async def list_page(
    work: UnitOfWork, viewer: rules.Viewer, sql: str, paging: Paging, **filters: Any
) -> Sequence[rules.Row]:
    after = paging.after[0] if paging.after else None
    return await work.fetch_rows(sql, **viewer_parameters(work, viewer), after=after, fetch=paging.fetch, **filters)
