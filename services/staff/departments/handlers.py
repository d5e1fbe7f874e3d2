"""Creating and changing departments."""

from collections.abc import Callable, Mapping
from typing import Any

from services.staff.departments import fields, rules, store
from services.staff.employees.fields import hash_body
from shared.contracts.clients import JournalEntry
from shared.contracts.staff import DepartmentChanged
from shared.database import UnitOfWork
from shared.errors import Exists, NotFound


def build_department_changed(row: Mapping[str, Any]) -> DepartmentChanged:
    return DepartmentChanged(
        department_id=row["id"], name=row["name"], parent_id=row["parent_id"], head_id=row["head_id"]
    )


async def create_department(work: UnitOfWork, body: fields.NewDepartment) -> Mapping[str, Any]:
    """Creating twice with the same body gives the same answer. Raises `Exists`, `UnknownDepartment`, `UnknownHead`…"""
    await store.lock_hierarchy(work)
    row = {**body.model_dump(), "body_hash": hash_body(body).hex()}
    if not await store.insert_departments(work, [row]):
        known = await _lock_department(work, body.id)
        if known["body_hash"] is None or bytes(known["body_hash"]) != hash_body(body):
            raise Exists
        return known
    await _check_references(work, body.id, body.parent_id, body.head_id)
    announce_department(work, row, None)
    return {**row, "version": 1}


async def change_department(
    work: UnitOfWork, id: str, facts: Mapping[str, Any], check_version: Callable[[int], None]
) -> Mapping[str, Any]:
    """Sets the given fields. Raises `DepartmentCycle`, `UnknownDepartment`, `UnknownHead`, `HeadHasLeft`."""
    await store.lock_hierarchy(work)
    before = await _lock_department(work, id)
    check_version(before["version"])
    after = {**before, **facts}
    if all(before[name] == value for name, value in facts.items()):
        return before
    changed_head = facts.get("head_id") if after["head_id"] != before["head_id"] else None
    changed_parent = facts.get("parent_id") if after["parent_id"] != before["parent_id"] else None
    await _check_references(work, id, changed_parent, changed_head)
    await store.update_departments(work, [{name: after[name] for name in ("id", "name", "parent_id", "head_id")}])
    announce_department(work, after, before["head_id"])
    return {**after, "version": before["version"] + 1}


async def _lock_department(work: UnitOfWork, id: str) -> Mapping[str, Any]:
    row = await store.get_department(work, id, lock=True)
    if row is None:
        raise NotFound
    return row


async def _check_references(work: UnitOfWork, id: str, parent_id: str | None, head_id: str | None) -> None:
    if parent_id is not None:
        if parent_id == id:
            raise rules.DepartmentCycle
        if not await store.list_existing_departments(work, [parent_id]):
            raise rules.UnknownDepartment
        if await store.is_ancestor(work, "departments", "parent_id", id, parent_id):
            raise rules.DepartmentCycle
    if head_id is not None:
        head = await work.fetch_row("SELECT status FROM employees WHERE id = :id FOR SHARE", id=head_id)
        if head is None:
            raise rules.UnknownHead
        if head["status"] == "left":
            raise rules.HeadHasLeft


def announce_department(work: UnitOfWork, after: Mapping[str, Any], old_head: str | None) -> None:
    work.publish(build_department_changed(after))
    if after["head_id"] != old_head:
        work.publish(
            JournalEntry(
                kind="head.named",
                actor_id=work.actor,
                employee_id=after["head_id"],
                details={"department_id": after["id"], "before_id": old_head},
            )
        )
