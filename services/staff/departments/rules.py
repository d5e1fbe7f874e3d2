"""Departments and the organisation that they make, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.staff import DepartmentChanged
from shared.errors import HoldfastError, Refused, Unprocessable


class UnknownDepartment(Unprocessable, code="unknown_department"):
    """There is no department with this id. Create it first."""


class UnknownHead(Unprocessable, code="unknown_head"):
    """There is no employee with the id given as head. Register them first, or leave the head open."""


class DepartmentCycle(Refused, code="department_cycle"):
    """This would put a department inside itself, directly or by way of others."""


class HeadHasLeft(Refused, code="head_has_left"):
    """Somebody who has left heads no department. Name somebody who works here."""


def find_head_refusal(status: str | None) -> type[HoldfastError] | None:
    """Why an employee of this status cannot head a department. None: there is no such employee."""
    if status is None:
        return UnknownHead
    return HeadHasLeft if status == "left" else None


@dataclass(frozen=True)
class Department:
    id: str
    name: str
    parent_id: str | None
    head_id: str | None
    version: int = 1

    def to_event(self) -> DepartmentChanged:
        return DepartmentChanged(department_id=self.id, name=self.name, parent_id=self.parent_id, head_id=self.head_id)


@dataclass(frozen=True)
class LockedDepartment:
    """A department under lock, with what a repeated creation and a repeated import are compared with."""

    department: Department
    body_hash: bytes | None
    last_imported_row: Mapping[str, object] | None


@dataclass(frozen=True)
class DepartmentInChart:
    """A department with the status of its head; `parent_id` only where the caller may see the parent too."""

    id: str
    name: str
    parent_id: str | None
    head_id: str | None
    head_status: str | None

    @property
    def is_vacant(self) -> bool:
        return self.head_status != "active"


@dataclass(frozen=True)
class EmployeePlace:
    employee_id: str
    position: str | None
    manager_id: str | None
    status: str
    functions: Mapping[str, float]


@dataclass(frozen=True)
class DepartmentBranch:
    """A department with everybody in it. `vacant`: it has no head, or one who is leaving or has left."""

    id: str
    name: str
    head_id: str | None
    vacant: bool
    functions: Mapping[str, float]
    employees: Sequence[EmployeePlace]
    departments: Sequence["DepartmentBranch"]


@dataclass(frozen=True)
class Organisation:
    """`vacancies` are the departments without a head who stays; `unplaced` the employees without a department."""

    departments: Sequence[DepartmentBranch]
    unplaced: Sequence[EmployeePlace]
    vacancies: Sequence[str]


def build_organisation_chart(
    departments: Sequence[DepartmentInChart], employees_by_department: Mapping[str | None, Sequence[EmployeePlace]]
) -> Organisation:
    """The tree of departments with who is in each, who is in none, and the departments without a head who stays."""
    children: dict[str | None, list[DepartmentInChart]] = {}
    for department in departments:
        children.setdefault(department.parent_id, []).append(department)

    def build_branch(department: DepartmentInChart) -> DepartmentBranch:
        employees = employees_by_department.get(department.id, [])
        functions: dict[str, float] = {}
        for employee in employees:
            for function, capacity in employee.functions.items():
                functions[function] = functions.get(function, 0) + capacity
        return DepartmentBranch(
            id=department.id,
            name=department.name,
            head_id=department.head_id,
            vacant=department.is_vacant,
            functions=functions,
            employees=employees,
            departments=[build_branch(child) for child in children.get(department.id, [])],
        )

    return Organisation(
        departments=[build_branch(department) for department in children.get(None, [])],
        unplaced=employees_by_department.get(None, []),
        vacancies=[department.id for department in departments if department.is_vacant],
    )
