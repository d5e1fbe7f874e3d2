"""Creating and changing departments, and what is published of them."""

from collections.abc import Callable
from dataclasses import replace

from services.staff.departments import fields, rules, store
from shared.database import UnitOfWork
from shared.errors import NotFound
from shared.http.creation import hash_body, require_same_body
from shared.journal import publish_journal_entry

REPUBLISH_BATCH = 500


async def create_department(work: UnitOfWork, body: fields.NewDepartmentBody) -> rules.Department:
    """Creating twice with the same body gives the same answer. Raises `IdTaken`, `UnknownDepartment`, `UnknownHead`…"""
    await store.lock_hierarchy(work)
    department = rules.Department(**body.model_dump())
    if not await store.insert_departments(work, [department], hash_body(body)):
        existing = (await store.lock_departments(work, [body.id]))[body.id]
        require_same_body(existing.body_hash, body)
        return existing.department
    await _check_references(work, body.id, body.parent_id, body.head_id)
    publish_department_and_journal_head(work, department, None)
    return department


async def change_department(
    work: UnitOfWork, id: str, changes: fields.DepartmentChangesBody, check_version: Callable[[int], None]
) -> rules.Department:
    """Sets the given fields. Raises `DepartmentCycle`, `UnknownDepartment`, `UnknownHead`, `HeadHasLeft`."""
    await store.lock_hierarchy(work)
    locked = await store.lock_departments(work, [id])
    if id not in locked:
        raise NotFound
    before = locked[id].department
    check_version(before.version)
    after = replace(before, **changes.model_dump(exclude_unset=True))
    if after == before:
        return before
    await _check_references(
        work,
        id,
        after.parent_id if after.parent_id != before.parent_id else None,
        after.head_id if after.head_id != before.head_id else None,
    )
    await store.update_departments(work, [after])
    publish_department_and_journal_head(work, after, before.head_id)
    return replace(after, version=before.version + 1)


async def _check_references(work: UnitOfWork, id: str, parent_id: str | None, head_id: str | None) -> None:
    if parent_id is not None:
        if not await store.list_existing_departments(work, [parent_id]):
            raise rules.UnknownDepartment
        if await store.is_same_or_above(work, "departments", id, parent_id):
            raise rules.DepartmentCycle
    if head_id is not None:
        refusal = rules.find_head_refusal(await store.lock_employee_status(work, head_id))
        if refusal is not None:
            raise refusal


def publish_department_and_journal_head(
    work: UnitOfWork, department: rules.Department, head_id_before: str | None
) -> None:
    """Its present state; and to the journal whoever heads it from now on."""
    work.publish(department.to_event())
    if department.head_id != head_id_before:
        publish_journal_entry(
            work, "head.named", department.head_id, department_id=department.id, before_id=head_id_before
        )


async def read_organisation(work: UnitOfWork, sees_all: bool) -> rules.Organisation:
    return rules.build_organisation_chart(
        await store.list_departments_for_chart(work, sees_all),
        await store.list_employee_places_by_department(work, sees_all),
    )


async def republish_departments(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    departments = await store.lock_departments_after(work, after, REPUBLISH_BATCH)
    work.publish(*(department.to_event() for department in departments))
    return len(departments), departments[-1].id if departments else None
