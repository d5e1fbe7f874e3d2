"""Many departments or employees at once: each row is compared with the row last imported, not with the present.

So what people or the HRIS have changed since stays as it is, and an old file gives nobody back what they have lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.staff.departments.fields import NewDepartment
from services.staff.departments.handlers import announce_department
from services.staff.departments.store import (
    insert_departments,
    list_existing_departments,
    lock_hierarchy,
    update_departments,
)
from services.staff.departures.rules import build_announcements
from services.staff.employees.fields import EmployeeFields
from services.staff.employees.handlers import find_first_day_refusal, publish_journal_entry, today
from services.staff.employees.rules import Employee, build_public_state, determine_decision_time, set_facts
from services.staff.employees.store import (
    LockedEmployee,
    dump_attributes,
    insert_employees,
    list_last_left_days,
    list_managers,
    lock_employees,
    update_attributes,
)
from services.staff.hris.handlers import apply_waiting_messages
from services.staff.imports import rules
from shared.contracts.staff import EmployeeHired
from shared.database import UnitOfWork
from shared.ids import Id, uuid7


class ImportedEmployee(EmployeeFields):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    deputy_id: Id | None = None


@dataclass(frozen=True)
class ImportRow:
    """A row of the file with its line; `value` is an `EmployeeRow` or a `NewDepartment`."""

    line: int
    value: Any


@dataclass
class Refusals:
    """What becomes of each row: `created`, `updated`, `unchanged`, or the reason why it is refused."""

    refused: dict[str, str]

    def refuse(self, ids: Sequence[str] | set[str], reason: str) -> None:
        for id in ids:
            self.refused.setdefault(id, reason)


def _dump_row(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude={"id"})


def _build_results(
    rows: Sequence[ImportRow], refused: Mapping[str, str], done: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "line": row.line,
            "id": row.value.id,
            "outcome": "refused" if row.value.id in refused else done[row.value.id],
            "reason": refused.get(row.value.id),
        }
        for row in rows
    ]


def _find_changed_fields(value: BaseModel, imported: Mapping[str, Any] | None, present: Mapping[str, Any]) -> set[str]:
    """The fields that differ from the row last imported; of somebody never imported, from the present."""
    base = present if imported is None else imported
    return {name for name, said in _dump_row(value).items() if said != base.get(name)}


# -- employees ---------------------------------------------------------------------------------------------------------


async def import_employees(
    work: UnitOfWork, rows: Sequence[ImportRow], in_file: frozenset[str]
) -> list[dict[str, Any]]:
    """A result per row. `in_file` are the ids of the whole file: a deputy may stand further down."""
    await lock_hierarchy(work)
    wanted: dict[str, ImportedEmployee] = {row.value.id: row.value for row in rows}
    present = await lock_employees(work, wanted)
    changed = {
        id: _find_changed_fields(row, present[id].imported, dump_attributes(present[id].person))
        if id in present
        else set()
        for id, row in wanted.items()
    }
    refused = await _refuse_employees(work, wanted, present, changed, in_file)
    created = await _create_employees(
        work, [row for id, row in wanted.items() if id not in present and id not in refused]
    )
    updated = await _update_employees(
        work, {id: (wanted[id], names) for id, names in changed.items() if names and id not in refused}, present
    )
    done = {id: "created" if id in created else "updated" if id in updated else "unchanged" for id in wanted}
    if created:
        await apply_waiting_messages(work, [f"employee/{id}" for id in created])
    return _build_results(rows, refused, done)


async def _refuse_employees(
    work: UnitOfWork,
    wanted: Mapping[str, ImportedEmployee],
    present: Mapping[str, LockedEmployee],
    changed: Mapping[str, set[str]],
    in_file: frozenset[str],
) -> dict[str, str]:
    asking = {id: row for id, row in wanted.items() if id not in present or changed[id]}
    known_departments = await list_existing_departments(work, [row.department_id for row in asking.values()])
    others = await work.fetch_rows(
        "SELECT id, status FROM employees WHERE id = ANY(:ids)",
        ids=[id for row in asking.values() for id in (row.manager_id, row.deputy_id) if id],
    )
    status = {row["id"]: row["status"] for row in others}
    outcomes = Refusals({})
    outcomes.refuse([id for id in asking if id in present and present[id].erased], "erased")
    for id, row in asking.items():
        if row.department_id is not None and row.department_id not in known_departments:
            outcomes.refuse([id], "unknown_department")
        if row.deputy_id == id:
            outcomes.refuse([id], "own_deputy")
        elif row.deputy_id is not None and row.deputy_id not in status and row.deputy_id not in in_file:
            outcomes.refuse([id], "unknown_deputy")
        elif status.get(row.deputy_id or "", "active") != "active" and (
            id not in present or "deputy_id" in changed[id]
        ):
            outcomes.refuse([id], "deputy_is_leaving")
    moved = [id for id in asking if id in present and "hired_on" in changed[id]]
    last_left = await list_last_left_days(work, moved) if moved else {}
    for id in moved:
        refusal = find_first_day_refusal(present[id].person, asking[id].hired_on, last_left)
        if refusal is not None:
            outcomes.refuse([id], refusal.code)
    managers = {id: row.manager_id for id, row in asking.items() if id not in present or "manager_id" in changed[id]}
    above = await list_managers(work) if any(id in present for id in managers) else {}
    outcomes.refuse(rules.find_changes_closing_circle(above, managers), "manager_cycle")
    # Rows come with managers before those whom they manage, so one look in this order finds all who lose theirs.
    for id, manager_id in managers.items():
        new = manager_id in asking and manager_id not in present and manager_id not in outcomes.refused
        if manager_id is not None and manager_id not in status and not new:
            outcomes.refuse([id], "unknown_manager")
    return outcomes.refused


async def _create_employees(work: UnitOfWork, rows: Sequence[ImportedEmployee]) -> set[str]:
    new = [
        Employee(employment_id=uuid7(), **{name: getattr(row, name) for name in ImportedEmployee.model_fields})
        for row in rows
    ]
    created = await insert_employees(work, new, imported={row.id: _dump_row(row) for row in rows}) if new else set()
    work.publish(*(EmployeeHired(**build_public_state(person, today(work))) for person in new if person.id in created))
    return created


async def _update_employees(
    work: UnitOfWork, rows: Mapping[str, tuple[ImportedEmployee, set[str]]], present: Mapping[str, LockedEmployee]
) -> set[str]:
    """Those who are another than before. A row may say what others have said meanwhile: then only it is noted."""
    after: dict[str, Employee] = {}
    for id, (row, names) in rows.items():
        before = present[id].person
        facts = {name: getattr(row, name) for name in names if getattr(row, name) != getattr(before, name)}
        after[id] = set_facts(before, facts, determine_decision_time(before, work.now))
        if "deputy_id" in facts:
            publish_journal_entry(work, "deputy.named", id, deputy_id=row.deputy_id)
        work.publish(*build_announcements(before, after[id], (), today(work)))
    if after:
        await update_attributes(work, list(after.values()), {id: _dump_row(row) for id, (row, _) in rows.items()})
    return {id for id, person in after.items() if person != present[id].person}


# -- departments -------------------------------------------------------------------------------------------------------


async def import_departments(
    work: UnitOfWork, rows: Sequence[ImportRow], in_file: frozenset[str]
) -> list[dict[str, Any]]:
    """A result per row. A head must be known: departments come first without, then again with their heads."""
    await lock_hierarchy(work)
    wanted: dict[str, NewDepartment] = {row.value.id: row.value for row in rows}
    present = {row["id"]: row for row in await work.fetch_rows("SELECT * FROM departments FOR UPDATE")}
    changed = {
        id: _find_changed_fields(row, present[id]["imported"], present[id]) if id in present else set()
        for id, row in wanted.items()
    }
    refused = await _refuse_departments(work, wanted, present, changed)
    new = [row for id, row in wanted.items() if id not in present and id not in refused]
    other = {id: wanted[id] for id, names in changed.items() if names and id not in refused}
    if new:
        await insert_departments(work, [{**row.model_dump(), "imported": _dump_row(row)} for row in new])
    after = {
        id: {**present[id], **{name: getattr(row, name) for name in changed[id]}, "imported": _dump_row(row)}
        for id, row in other.items()
    }
    if after:
        await update_departments(
            work,
            [
                {name: row[name] for name in ("id", "name", "parent_id", "head_id", "imported")}
                for row in after.values()
            ],
        )
    for row in new:
        announce_department(work, row.model_dump(), None)
    updated = {id for id, row in after.items() if any(row[name] != present[id][name] for name in changed[id])}
    for id in updated:
        announce_department(work, after[id], present[id]["head_id"])
    created = {row.id for row in new}
    if created:
        await apply_waiting_messages(work, [f"department/{id}" for id in created])
    done = {id: "created" if id in created else "updated" if id in updated else "unchanged" for id in wanted}
    return _build_results(rows, refused, done)


async def _refuse_departments(
    work: UnitOfWork,
    wanted: Mapping[str, NewDepartment],
    present: Mapping[str, Mapping[str, Any]],
    changed: Mapping[str, set[str]],
) -> dict[str, str]:
    asking = {id: row for id, row in wanted.items() if id not in present or changed[id]}
    heads = await work.fetch_rows(
        "SELECT id, status FROM employees WHERE id = ANY(:ids)",
        ids=[row.head_id for row in asking.values() if row.head_id],
    )
    status = {row["id"]: row["status"] for row in heads}
    outcomes = Refusals({})
    for id, row in asking.items():
        if row.head_id is not None and (id not in present or "head_id" in changed[id]):
            if row.head_id not in status:
                outcomes.refuse([id], "unknown_head")
            elif status[row.head_id] == "left":
                outcomes.refuse([id], "head_has_left")
    parents = {id: row.parent_id for id, row in asking.items() if id not in present or "parent_id" in changed[id]}
    above = {id: row["parent_id"] for id, row in present.items() if row["parent_id"]}
    outcomes.refuse(rules.find_changes_closing_circle(above, parents), "department_cycle")
    for id, parent_id in parents.items():
        known = parent_id in present or (parent_id in asking and parent_id not in outcomes.refused)
        if parent_id is not None and not known:
            outcomes.refuse([id], "unknown_department")
    return outcomes.refused
