"""Many departments or employees at once: each row is compared with the row last imported, not with the present.

So what people or the HRIS have changed since stays as it is, and an old file gives nobody back what they have lost.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel

from services.staff.departments.fields import NewDepartmentBody
from services.staff.departments.handlers import publish_department_and_journal_head
from services.staff.departments.rules import (
    Department,
    DepartmentCycle,
    LockedDepartment,
    UnknownDepartment,
    find_head_refusal,
)
from services.staff.departments.store import (
    insert_departments,
    list_existing_departments,
    lock_departments,
    lock_hierarchy,
    update_departments,
)
from services.staff.employees.handlers import publish_employee_if_changed
from services.staff.employees.rules import (
    DeputyIsLeaving,
    Employee,
    EmployeeIsErased,
    ManagerCycle,
    OwnDeputy,
    UnknownManager,
    build_event,
    find_deputy_refusal,
    find_first_day_refusal,
    get_facts,
    record_decided_facts,
)
from services.staff.employees.store import (
    LockedEmployee,
    dump_employee,
    insert_employees,
    list_last_left_days,
    list_manager_ids_by_employee,
    list_statuses,
    lock_employees,
    update_employees,
)
from services.staff.hris.handlers import apply_pending_messages
from services.staff.imports import rules
from services.staff.imports.fields import ImportedEmployee
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.http.ndjson import ImportLine, ImportOutcome, ImportResult
from shared.ids import uuid7
from shared.journal import publish_journal_entry


def _dump_row(value: BaseModel) -> dict[str, object]:
    return value.model_dump(mode="json", exclude={"id"})


def _find_changed_fields(
    value: BaseModel, imported: Mapping[str, object] | None, present: Mapping[str, object]
) -> set[str]:
    """The fields that differ from the row last imported; of what was never imported, from the present."""
    base = present if imported is None else imported
    return {name for name, said in _dump_row(value).items() if said != base.get(name)}


def _build_results(
    lines: Mapping[str, int], refused: Mapping[str, str], created: Collection[str], updated: Collection[str]
) -> list[ImportResult]:
    outcomes: dict[str, ImportOutcome] = {
        **dict.fromkeys(lines, "unchanged"),
        **dict.fromkeys(updated, "updated"),
        **dict.fromkeys(created, "created"),
        **dict.fromkeys(refused, "refused"),
    }
    return [ImportResult(line, id, outcomes[id], refused.get(id)) for id, line in lines.items()]


# -- employees ---------------------------------------------------------------------------------------------------------


async def import_employees(
    work: UnitOfWork, rows: Sequence[ImportLine[ImportedEmployee]], ids_in_file: Collection[str]
) -> list[ImportResult]:
    """A result per row. `ids_in_file` are the ids of the whole file: a deputy may stand further down."""
    await lock_hierarchy(work)
    wanted = {row.value.id: row.value for row in rows}
    present = await lock_employees(work, wanted)
    changed = {
        id: _find_changed_fields(wanted[id], locked.last_imported_row, dump_employee(locked.employee))
        for id, locked in present.items()
    }
    refused = await _refuse_employees(work, wanted, present, changed, ids_in_file)
    created = await _create_employees(
        work, [value for id, value in wanted.items() if id not in present and id not in refused]
    )
    updated = await _update_employees(
        work, {id: wanted[id] for id, names in changed.items() if names and id not in refused}, present, changed
    )
    if created:
        await apply_pending_messages(work, [f"employee/{id}" for id in created])
    return _build_results({row.value.id: row.line for row in rows}, refused, created, updated)


async def _refuse_employees(
    work: UnitOfWork,
    wanted: Mapping[str, ImportedEmployee],
    present: Mapping[str, LockedEmployee],
    changed: Mapping[str, set[str]],
    ids_in_file: Collection[str],
) -> dict[str, str]:
    """By id the first reason against a row that says something new."""

    def is_new(id: str, name: str) -> bool:
        return id not in present or name in changed[id]

    news = {id: value for id, value in wanted.items() if id not in present or changed[id]}
    departments = await list_existing_departments(work, [value.department_id for value in news.values()])
    statuses = await list_statuses(work, [id for value in news.values() for id in (value.manager_id, value.deputy_id)])
    refused: dict[str, str] = {id: EmployeeIsErased.code for id in news if id in present and present[id].is_erased}
    for id, value in news.items():
        if value.department_id is not None and value.department_id not in departments:
            refused.setdefault(id, UnknownDepartment.code)
        if value.deputy_id == id:
            refused.setdefault(id, OwnDeputy.code)
        elif value.deputy_id is not None:
            status = statuses.get(value.deputy_id, "active" if value.deputy_id in ids_in_file else None)
            refusal = find_deputy_refusal(status)
            if refusal is not None and (refusal is not DeputyIsLeaving or is_new(id, "deputy_id")):
                refused.setdefault(id, refusal.code)
    moved = [id for id in news if id in present and "hired_on" in changed[id]]
    last_left = await list_last_left_days(work, moved) if moved else {}
    for id in moved:
        refusal = find_first_day_refusal(present[id].employee, news[id].hired_on, last_left.get(id))
        if refusal is not None:
            refused.setdefault(id, refusal.code)
    managers = {id: value.manager_id for id, value in news.items() if is_new(id, "manager_id")}
    managers_now = await list_manager_ids_by_employee(work) if any(id in present for id in managers) else {}
    for id in rules.find_changes_closing_circle(managers_now, managers):
        refused.setdefault(id, ManagerCycle.code)
    # Rows come with managers before those whom they manage, so one look in this order finds all who lose theirs.
    for id, manager_id in managers.items():
        is_created = manager_id in news and manager_id not in present and manager_id not in refused
        if manager_id is not None and manager_id not in statuses and not is_created:
            refused.setdefault(id, UnknownManager.code)
    return refused


async def _create_employees(work: UnitOfWork, values: Sequence[ImportedEmployee]) -> set[str]:
    if not values:
        return set()
    employees = [replace(value.to_employee(value.id, uuid7()), deputy_id=value.deputy_id) for value in values]
    created = await insert_employees(work, employees, imported_rows={value.id: _dump_row(value) for value in values})
    work.publish(*(build_event(EmployeeHired, new, work.today) for new in employees if new.id in created))
    return created


async def _update_employees(
    work: UnitOfWork,
    values: Mapping[str, ImportedEmployee],
    present: Mapping[str, LockedEmployee],
    changed: Mapping[str, set[str]],
) -> set[str]:
    """Those who are another than before. A row may say what others have said meanwhile: then only the row is kept."""
    after: dict[str, Employee] = {}
    for id, value in values.items():
        before = present[id].employee
        facts = get_facts(value, (name for name in changed[id] if getattr(value, name) != getattr(before, name)))
        after[id] = record_decided_facts(before, facts, work.now)
        if "deputy_id" in facts:
            publish_journal_entry(work, "deputy.named", id, deputy_id=value.deputy_id)
        publish_employee_if_changed(work, before, after[id])
    if after:
        await update_employees(work, after.values(), {id: _dump_row(value) for id, value in values.items()})
    return {id for id, employee in after.items() if employee != present[id].employee}


# -- departments -------------------------------------------------------------------------------------------------------


async def import_departments(
    work: UnitOfWork, rows: Sequence[ImportLine[NewDepartmentBody]], _ids_in_file: Collection[str]
) -> list[ImportResult]:
    """A result per row. A head must be known: departments come first without, then again with their heads.

    The ids of the whole file, which every import is given, are not needed: parents come before what is below them.
    """
    await lock_hierarchy(work)
    wanted = {row.value.id: row.value for row in rows}
    present = await lock_departments(work)
    changed = {
        id: _find_changed_fields(value, present[id].last_imported_row, vars(present[id].department))
        for id, value in wanted.items()
        if id in present
    }
    refused = await _refuse_departments(work, wanted, present, changed)
    imported_rows = {id: _dump_row(value) for id, value in wanted.items()}
    created = {
        id: Department(**value.model_dump()) for id, value in wanted.items() if id not in present and id not in refused
    }
    if created:
        await insert_departments(work, created.values(), imported_rows=imported_rows)
    after = {
        id: replace(present[id].department, **{name: getattr(wanted[id], name) for name in names})
        for id, names in changed.items()
        if names and id not in refused
    }
    if after:
        await update_departments(work, after.values(), imported_rows)
    updated = {id: department for id, department in after.items() if department != present[id].department}
    for department in created.values():
        publish_department_and_journal_head(work, department, None)
    for id, department in updated.items():
        publish_department_and_journal_head(work, department, present[id].department.head_id)
    if created:
        await apply_pending_messages(work, [f"department/{id}" for id in created])
    return _build_results({row.value.id: row.line for row in rows}, refused, created, updated)


async def _refuse_departments(
    work: UnitOfWork,
    wanted: Mapping[str, NewDepartmentBody],
    present: Mapping[str, LockedDepartment],
    changed: Mapping[str, set[str]],
) -> dict[str, str]:
    """By id the first reason against a row that says something new."""
    news = {id: value for id, value in wanted.items() if id not in present or changed[id]}
    statuses = await list_statuses(work, [value.head_id for value in news.values()])
    refused: dict[str, str] = {}
    for id, value in news.items():
        if value.head_id is not None and (id not in present or "head_id" in changed[id]):
            refusal = find_head_refusal(statuses.get(value.head_id))
            if refusal is not None:
                refused[id] = refusal.code
    parents = {id: value.parent_id for id, value in news.items() if id not in present or "parent_id" in changed[id]}
    parents_now = {id: locked.department.parent_id for id, locked in present.items()}
    for id in rules.find_changes_closing_circle(parents_now, parents):
        refused.setdefault(id, DepartmentCycle.code)
    for id, parent_id in parents.items():
        is_known = parent_id in present or (parent_id in news and parent_id not in refused)
        if parent_id is not None and not is_known:
            refused.setdefault(id, UnknownDepartment.code)
    return refused
