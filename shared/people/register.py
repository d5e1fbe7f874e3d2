"""Hearing of employees and departments: the newest state of each, and who heads what."""

import json

from shared.contracts.staff import (
    DepartmentChanged,
    EmployeeEvent,
)
from shared.database import UnitOfWork
from shared.messages import Envelope


async def hear_employee(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> bool:
    """Takes over the state that the event carries. False if a newer one is known (then nothing changes).

    With a new employment the grounds of the old one no longer bind. If a stand-in still holds what was of record,
    `settling` is set: the service writes it through before this person may own anything (a rehire restores nothing).
    """
    event = envelope.data
    changed = await work.scalar(
        """
        INSERT INTO people AS p (employee_id, heard, employment_id, status, department_id, manager_id, deputy_id,
                                 functions, regions, languages, absences, hired_on)
        VALUES (:employee_id, :heard, :employment_id, :status, :department_id, :manager_id, :deputy_id,
                CAST(:functions AS jsonb), CAST(:regions AS jsonb), CAST(:languages AS jsonb),
                CAST(:absences AS jsonb), :hired_on)
        ON CONFLICT (employee_id) DO UPDATE SET
            heard = excluded.heard, status = excluded.status, department_id = excluded.department_id,
            manager_id = excluded.manager_id, deputy_id = excluded.deputy_id, functions = excluded.functions,
            regions = excluded.regions, languages = excluded.languages, absences = excluded.absences,
            hired_on = excluded.hired_on, employment_id = excluded.employment_id,
            settling = p.settling OR (p.employment_id <> excluded.employment_id AND p.frozen),
            frozen = p.frozen AND p.employment_id IS NOT DISTINCT FROM excluded.employment_id
                     OR EXISTS (SELECT 1 FROM grounds g WHERE g.employee_id = p.employee_id AND g.ended_at IS NULL
                                AND g.employment_id = excluded.employment_id)
        WHERE p.heard < excluded.heard
        RETURNING 1
        """,
        employee_id=event.employee_id,
        heard=envelope.sequence,
        employment_id=event.employment_id,
        status=event.status,
        department_id=event.department_id,
        manager_id=event.manager_id,
        deputy_id=event.deputy_id,
        functions=json.dumps(event.functions),
        regions=json.dumps(event.regions),
        languages=json.dumps(event.languages),
        absences=json.dumps([absence.model_dump(mode="json") for absence in event.absences]),
        hired_on=event.hired_on,
    )
    return changed is not None


async def hear_department(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    """Takes over the department and computes anew who heads what."""
    event = envelope.data
    await work.execute("LOCK TABLE heads IN EXCLUSIVE MODE")
    await work.execute(
        """
        INSERT INTO departments AS d (department_id, heard, name, parent_id, head_id)
        VALUES (:department_id, :heard, :name, :parent_id, :head_id)
        ON CONFLICT (department_id) DO UPDATE
        SET heard = excluded.heard, name = excluded.name, parent_id = excluded.parent_id, head_id = excluded.head_id
        WHERE d.heard < excluded.heard
        """,
        department_id=event.department_id,
        heard=envelope.sequence,
        name=event.name,
        parent_id=event.parent_id,
        head_id=event.head_id,
    )
    await work.execute("DELETE FROM heads")
    await work.execute(
        """
        INSERT INTO heads (department_id, head_id, distance)
        WITH RECURSIVE above (department_id, ancestor_id, distance) AS (
            SELECT department_id, department_id, 0 FROM departments
            UNION ALL
            SELECT a.department_id, d.parent_id, a.distance + 1
            FROM above a JOIN departments d ON d.department_id = a.ancestor_id
            WHERE d.parent_id IS NOT NULL AND a.distance < 50
        )
        SELECT a.department_id, d.head_id, min(a.distance)
        FROM above a JOIN departments d ON d.department_id = a.ancestor_id
        WHERE d.head_id IS NOT NULL GROUP BY 1, 2
        """
    )
