"""Who may know about a case and who heads it, asked of the database."""

from collections.abc import Callable
from typing import TypeVar

from services.offboarding.permissions.rules import CaseRights, Viewer
from shared.database import UnitOfWork
from shared.paging import Paging
from shared.people.store import heads_person_sql

T = TypeVar("T")

# For a row `c` of cases. A head of sales sees the departments that they head; a director and hr see all.
IS_HEAD = f"""
    (:heads AND c.employee_id <> :actor AND (:actor = :last_resort OR EXISTS (
        SELECT 1 FROM people p WHERE p.employee_id = c.employee_id AND {heads_person_sql("p")})))
"""
# Anybody knows of their own case, and of those in which something waits, or has waited, for them; who is frozen or has left,
# of their own alone.
MAY_SEE_CASE = f"""
    (:all OR {IS_HEAD} OR c.employee_id = :actor OR NOT :frozen AND (
     EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM visits v WHERE v.case_id = c.id AND v.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM documents d WHERE d.case_id = c.id AND d.receiver_id = :actor)
     OR EXISTS (SELECT 1 FROM introductions i WHERE i.case_id = c.id AND i.to_id = :actor)))
"""


def viewer_parameters(work: UnitOfWork, viewer: Viewer) -> dict[str, str | bool]:
    """What conditions about the caller speak of; a statement takes those that it names."""
    return {
        "actor": viewer.sub,
        "all": viewer.sees_all_cases,
        "frozen": viewer.is_frozen,
        "director": "director" in viewer.roles,
        "heads": "sales_head" in viewer.roles,
        "last_resort": work.settings.last_resort or "",
    }


async def get_case_rights(work: UnitOfWork, viewer: Viewer, case_id: str) -> CaseRights | None:
    """Head of sales of a case is a director, or a head of the leaver's department; never the leaver."""
    return await work.fetch_one(
        CaseRights,
        f"""
        SELECT c.employee_id AS leaver_id, {MAY_SEE_CASE} AS may_see,
               c.employee_id <> :actor AND (:director OR {IS_HEAD}) AS is_head FROM cases c WHERE c.id = :id
        """,
        id=case_id,
        **viewer_parameters(work, viewer),
    )


async def is_head_of_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> bool:
    rights = await get_case_rights(work, viewer, case_id)
    return rights is not None and rights.is_head


async def may_make_dry_run_for(work: UnitOfWork, viewer: Viewer, employee_id: str) -> bool:
    """Whether the caller may know what this employee would leave: `hr`, directors, and who heads their department."""
    return bool(
        await work.fetch_value(
            f"""
            SELECT 1 FROM people p
            WHERE employee_id = :id AND (:all OR :actor = :last_resort OR {heads_person_sql("p")})
            """,
            id=employee_id,
            **viewer_parameters(work, viewer),
        )
    )


async def list_page(
    work: UnitOfWork, viewer: Viewer, record_type: Callable[..., T], sql: str, paging: Paging, **filters: str | None
) -> list[T]:
    """A page of what the caller may see, after the key `:after`, of `:fetch` rows."""
    after = paging.after[0] if paging.after else None
    return await work.fetch_all(
        record_type, sql, **viewer_parameters(work, viewer), after=after, fetch=paging.fetch, **filters
    )
