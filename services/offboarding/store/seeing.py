"""Who may know about a case and its parts, and who acts as its head of sales."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.people.store import lock_people

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Viewer:
    """The caller: id and roles. A frozen caller has no role but `employee`."""

    sub: str
    roles: frozenset[str]
    frozen: bool = False

    @classmethod
    def of(cls, sub: str, roles: Iterable[str], frozen: bool = False) -> "Viewer":
        return cls(sub, frozenset(roles), frozen)

    def sees_all(self) -> bool:
        return not self.roles.isdisjoint({"hr", "director"})


# For a row `c` of cases. A head of sales sees the departments that they head; a director and hr see all.
HEADS = """
    (:heads AND c.employee_id <> :actor AND (:actor = :last_resort OR EXISTS (
        SELECT 1 FROM people p JOIN heads h ON h.department_id = p.department_id
        WHERE p.employee_id = c.employee_id AND h.head_id = :actor)))
"""
# Anybody knows of their own case, and of those in which something waits, or has waited, for them; who is frozen or has left,
# of their own alone.
SEEN = f"""
    (:all OR {HEADS} OR c.employee_id = :actor OR NOT :frozen AND (
     EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM visits v WHERE v.case_id = c.id AND v.assignee_id = :actor)
     OR EXISTS (SELECT 1 FROM documents d WHERE d.case_id = c.id AND d.receiver_id = :actor)
     OR EXISTS (SELECT 1 FROM introductions i WHERE i.case_id = c.id AND i.to_id = :actor)))
"""


def names(work: UnitOfWork, viewer: Viewer) -> dict[str, Any]:
    """What conditions about the caller speak of; a statement takes those that it names."""
    return {
        "actor": viewer.sub,
        "all": viewer.sees_all(),
        "frozen": viewer.frozen,
        "director": "director" in viewer.roles,
        "heads": "sales_head" in viewer.roles,
        "last_resort": work.settings.last_resort or "",
    }


async def see_case(work: UnitOfWork, viewer: Viewer, case_id: str) -> Row:
    """The case's row, for those who may know of it. Raises `NotFound`."""
    row = await work.fetch_row(
        f"SELECT c.* FROM cases c WHERE c.id = :id AND {SEEN}", id=case_id, **names(work, viewer)
    )
    if row is None:
        raise NotFound
    return row


async def leads(work: UnitOfWork, viewer: Viewer, case_id: str) -> bool:
    """Whether the caller is head of sales for this case: a director, or a head of the leaver's department; never the leaver."""
    return bool(
        await work.fetch_value(
            f"SELECT 1 FROM cases c WHERE c.id = :id AND c.employee_id <> :actor AND (:director OR {HEADS})",
            id=case_id,
            **names(work, viewer),
        )
    )


async def must_lead(work: UnitOfWork, viewer: Viewer, case_id: str) -> None:
    """Raises `NotFound` or `Forbidden` unless the caller decides for this case. Nobody acts on their own."""
    await see_case(work, viewer, case_id)
    if not await leads(work, viewer, case_id):
        raise Forbidden


async def hold(
    work: UnitOfWork, leaver: str | None = None, others: Iterable[str] = (), frozen_too: bool = False
) -> None:
    """Locks the people of an effect, first of all and in one statement: the leaver, the caller, `others`.

    A freeze of the caller comes before the effect or after it, never in between. Raises `Forbidden`.
    """
    rows = await lock_people(work, changing=[leaver] if leaver else (), holding=[work.actor, *others])
    actor = rows.get(work.actor)
    if not frozen_too and actor is not None and (actor.frozen or actor.status == "left"):
        raise Forbidden


async def leaver_of(work: UnitOfWork, case_id: str) -> str:
    """Raises `NotFound`."""
    leaver: str | None = await work.fetch_value("SELECT employee_id FROM cases WHERE id = :id", id=case_id)
    if leaver is None:
        raise NotFound
    return leaver
