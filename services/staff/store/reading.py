"""What callers may see of employees: object by object, names and addresses apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.auth import Principal
from shared.database import UnitOfWork
from shared.paging import Paging

HEADED = """
    WITH RECURSIVE headed (id) AS (
        SELECT id FROM departments WHERE head_id = :sub
        UNION
        SELECT d.id FROM departments d JOIN headed ON d.parent_id = headed.id
    )
"""


@dataclass(frozen=True)
class Sight:
    """`all_people`: may know of everybody; `all_names`: also what they are called; `headed`: those in own departments."""

    sub: str
    all_people: bool
    all_names: bool
    headed: bool

    @classmethod
    def of(cls, principal: Principal) -> "Sight":
        return cls(
            sub=principal.sub,
            all_people=principal.has("hr", "director", "service", "ops"),
            all_names=principal.has("hr", "director", "service"),
            headed=principal.has("sales_head"),
        )


async def employees(
    work: UnitOfWork,
    sight: Sight,
    *,
    id: str | None = None,
    status: str | None = None,
    department_id: str | None = None,
    manager_id: str | None = None,
    function: str | None = None,
    paging: Paging | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Rows of `employees` that this caller may know about, by id; `names` says whether they may see name and address."""
    return await work.fetch_rows(
        f"""
        {HEADED}
        SELECT e.*, (:all_names OR e.id = :sub OR h.id IS NOT NULL) AS names
        FROM employees e LEFT JOIN headed h ON :headed AND h.id = e.department_id
        WHERE (:all_people OR e.id = :sub OR h.id IS NOT NULL)
          AND (CAST(:id AS text) IS NULL OR e.id = :id)
          AND (CAST(:status AS text) IS NULL OR e.status = :status)
          AND (CAST(:department_id AS text) IS NULL OR e.department_id = :department_id)
          AND (CAST(:manager_id AS text) IS NULL OR e.manager_id = :manager_id)
          AND (CAST(:function AS text) IS NULL OR e.functions ? :function)
          AND e.id > :after
        ORDER BY e.id LIMIT :fetch
        """,
        sub=sight.sub,
        all_people=sight.all_people,
        all_names=sight.all_names,
        headed=sight.headed,
        id=id,
        status=status,
        department_id=department_id,
        manager_id=manager_id,
        function=function,
        after=paging.after[0] if paging and paging.after else "",
        fetch=paging.fetch if paging else 1,
    )


async def employments(work: UnitOfWork, employee_id: str, paging: Paging) -> Sequence[Mapping[str, Any]]:
    """All employments, the oldest first, each with every change of its life."""
    return await work.fetch_rows(
        """
        WITH periods AS (
            SELECT employment_id, hired_on, 'left' AS status, notice_on, last_day, ends_on, left_on, 0 AS present
            FROM employments WHERE employee_id = :id
            UNION ALL
            SELECT employment_id, hired_on, status, notice_on, last_day, ends_on, left_on, 1
            FROM employees WHERE id = :id
        ), numbered AS (
            SELECT *, row_number() OVER (ORDER BY present, hired_on, employment_id) AS nth FROM periods
        )
        SELECT p.*, coalesce((
            SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'at', c.at, 'by_id', c.by_id, 'status', c.status,
                'notice_on', c.notice_on, 'last_day', c.last_day, 'ends_on', c.ends_on, 'left_on', c.left_on,
                'reason', c.reason) ORDER BY c.id)
            FROM life_changes c WHERE c.employee_id = :id AND c.employment_id = p.employment_id), '[]') AS changes
        FROM numbered p WHERE nth > :after ORDER BY nth LIMIT :fetch
        """,
        id=employee_id,
        after=paging.number or 0,
        fetch=paging.fetch,
    )
