"""The doors of departments and of the organisation."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.staff.departments import fields, handlers, store
from shared.auth import Role
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["departments"])

READERS: tuple[Role, ...] = ("hr", "ops", "sales_head", "director", "service")


class Department(BaseModel):
    id: str
    name: str
    parent_id: str | None
    head_id: str | None
    version: int


class EmployeePlace(BaseModel):
    employee_id: str
    position: str | None
    manager_id: str | None
    status: str
    functions: dict[str, float]


class DepartmentBranch(BaseModel):
    """A department with everybody in it. `vacant`: it has no head, or one who is leaving or has left."""

    id: str
    name: str
    head_id: str | None
    vacant: bool
    functions: dict[str, float]
    employees: list[EmployeePlace]
    departments: list["DepartmentBranch"]


class Organisation(BaseModel):
    """`vacancies` are the departments without a head who stays; `unplaced` the employees without a department."""

    departments: list[DepartmentBranch]
    unplaced: list[EmployeePlace]
    vacancies: list[str]


def _may_see_all(door: Door) -> bool:
    """Heads of sales see what they head and what is below."""
    return door.principal.has("hr", "ops", "director", "service")


@router.post("/departments", status_code=201, response_model=Department, summary="Create a department")
async def create_department(body: fields.NewDepartment, door: Door = allow("hr")) -> Any:
    """Creating twice with the same body gives the same answer."""
    row = await door.transact(_create_department, body)
    door.set_location("departments", body.id)
    return row


async def _create_department(work: Any, body: fields.NewDepartment) -> dict[str, Any]:
    return _select_fields(await handlers.create_department(work, body))


def _select_fields(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in Department.model_fields}


@router.get("/departments", response_model=Page[Department], summary="Departments")
async def list_departments(
    parent_id: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow(*READERS),
) -> Any:
    return make_page(await door.read(store.list_visible_departments, paging, parent_id, _may_see_all(door)), paging)


@router.get("/departments/{department_id}", response_model=Department, summary="One department")
async def get_department(department_id: Id, door: Door = allow(*READERS)) -> Any:
    row = await door.read(store.get_visible_department, department_id, _may_see_all(door))
    if row is None:
        raise NotFound
    door.set_etag(row["version"])
    return row


@router.patch("/departments/{department_id}", response_model=Department, summary="Change a department")
async def change_department(department_id: Id, body: fields.DepartmentChanges, door: Door = allow("hr")) -> Any:
    """No department inside itself; the head must be an employee who has not left."""
    facts = {name: getattr(body, name) for name in body.model_fields_set}
    row = await door.transact(handlers.change_department, department_id, facts, door.check_version)
    door.set_etag(row["version"])
    return row


@router.get("/organisation", response_model=Organisation, summary="The tree: departments, heads, who does what")
async def get_organisation(door: Door = allow(*READERS)) -> Any:
    departments, people = await door.read(store.list_organisation, _may_see_all(door))
    places: dict[str | None, list[dict[str, Any]]] = {}
    for person in people:
        places.setdefault(person["department_id"], []).append({**person, "employee_id": person["id"]})
    inside: dict[str | None, list[Any]] = {}
    for row in departments:
        inside.setdefault(row["parent_id"], []).append(row)

    def branch(row: Any) -> dict[str, Any]:
        here = places.get(row["id"], [])
        functions: dict[str, float] = {}
        for place in here:
            for function, capacity in place["functions"].items():
                functions[function] = functions.get(function, 0) + capacity
        return {
            "id": row["id"],
            "name": row["name"],
            "head_id": row["head_id"],
            "vacant": row["head_status"] != "active",
            "functions": functions,
            "employees": here,
            "departments": [branch(child) for child in inside.get(row["id"], [])],
        }

    return {
        "departments": [branch(row) for row in inside.get(None, [])],
        "unplaced": places.get(None, []),
        "vacancies": [row["id"] for row in departments if row["head_status"] != "active"],
    }
