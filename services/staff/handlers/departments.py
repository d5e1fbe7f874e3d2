"""Departments: who is inside which, and who heads them."""

from collections.abc import Callable, Mapping
from typing import Any

from services.staff.handlers import refusals
from services.staff.handlers.bodies import NewDepartment, hash_of
from services.staff.store import departments, people
from shared.contracts.clients import JournalEntry
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound


async def create(work: UnitOfWork, body: NewDepartment) -> Mapping[str, Any]:
    """Creating twice with the same body gives the same answer. Raises `Exists`, `UnknownDepartment`, `UnknownHead`…"""
    await people.lock_chains(work)
    row = {**body.model_dump(), "body_hash": hash_of(body).hex()}
    if not await departments.insert(work, [row]):
        known = await _one(work, body.id)
        if known["body_hash"] is None or bytes(known["body_hash"]) != hash_of(body):
            raise Exists
        return known
    await _check(work, body.id, body.parent_id, body.head_id)
    tell(work, row, None)
    return {**row, "version": 1}


async def change(
    work: UnitOfWork, id: str, facts: Mapping[str, Any], check_version: Callable[[int], None]
) -> Mapping[str, Any]:
    """Sets the given fields. Raises `DepartmentCycle`, `UnknownDepartment`, `UnknownHead`, `HeadHasLeft`."""
    await people.lock_chains(work)
    before = await _one(work, id)
    check_version(before["version"])
    after = {**before, **facts}
    if all(before[name] == value for name, value in facts.items()):
        return before
    changed_head = facts.get("head_id") if after["head_id"] != before["head_id"] else None
    changed_parent = facts.get("parent_id") if after["parent_id"] != before["parent_id"] else None
    await _check(work, id, changed_parent, changed_head)
    await departments.update(work, [{name: after[name] for name in ("id", "name", "parent_id", "head_id")}])
    tell(work, after, before["head_id"])
    return {**after, "version": before["version"] + 1}


async def _one(work: UnitOfWork, id: str) -> Mapping[str, Any]:
    row = await departments.get(work, id, lock=True)
    if row is None:
        raise NotFound
    return row


async def _check(work: UnitOfWork, id: str, parent_id: str | None, head_id: str | None) -> None:
    if parent_id is not None:
        if parent_id == id:
            raise refusals.DepartmentCycle
        if not await departments.known(work, [parent_id]):
            raise refusals.UnknownDepartment
        if await people.is_above(work, "departments", "parent_id", id, parent_id):
            raise refusals.DepartmentCycle
    if head_id is not None:
        head = await work.fetch_row("SELECT status FROM employees WHERE id = :id FOR SHARE", id=head_id)
        if head is None:
            raise refusals.UnknownHead
        if head["status"] == "left":
            raise refusals.HeadHasLeft


def tell(work: UnitOfWork, after: Mapping[str, Any], old_head: str | None) -> None:
    work.publish(departments.changed(after))
    if after["head_id"] != old_head:
        work.publish(
            JournalEntry(
                kind="head.named",
                actor_id=work.actor,
                employee_id=after["head_id"],
                details={"department_id": after["id"], "before_id": old_head},
            )
        )
