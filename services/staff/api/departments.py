"""Departments and the organisation."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.staff.handlers import departments as handlers
from services.staff.handlers.bodies import DepartmentChanges, NewDepartment
from services.staff.store import departments as store
from shared.auth import Role
from shared.errors import NotFound, Unprocessable
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


class Place(BaseModel):
    employee_id: str
    position: str | None
    manager_id: str | None
    status: str
    functions: dict[str, float]


class Branch(BaseModel):
    """A department with everybody in it. `vacant`: it has no head, or one who is leaving or has left."""

    id: str
    name: str
    head_id: str | None
    vacant: bool
    functions: dict[str, float]
    employees: list[Place]
    departments: list["Branch"]


class Organisation(BaseModel):
    """`vacancies` are the departments without a head who stays; `unplaced` the employees without a department."""

    departments: list[Branch]
    unplaced: list[Place]
    vacancies: list[str]


class EmptyName(Unprocessable, code="empty_name"):
    """A department needs a name."""


def _sees_everything(door: Door) -> bool:
    """Heads of sales see what they head and what is below."""
    return door.principal.has("hr", "ops", "director", "service")


@router.post("/departments", status_code=201, response_model=Department, summary="Create a department")
async def create(body: NewDepartment, door: Door = allow("hr")) -> Any:
    """Creating twice with the same body gives the same answer."""
    row = await door.transact(_create, body)
    door.set_location("departments", body.id)
    return row


async def _create(work: Any, body: NewDepartment) -> dict[str, Any]:
    return _plain(await handlers.create(work, body))


def _plain(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in Department.model_fields}


@router.get("/departments", response_model=Page[Department], summary="Departments")
async def listed(
    parent_id: Annotated[Id | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow(*READERS),
) -> Any:
    return make_page(await door.read(store.listed, paging, parent_id, _sees_everything(door)), paging)


@router.get("/departments/{department_id}", response_model=Department, summary="One department")
async def one(department_id: Id, door: Door = allow(*READERS)) -> Any:
    row = await door.read(store.one, department_id, _sees_everything(door))
    if row is None:
        raise NotFound
    door.set_etag(row["version"])
    return row


@router.patch("/departments/{department_id}", response_model=Department, summary="Change a department")
async def change(department_id: Id, body: DepartmentChanges, door: Door = allow("hr")) -> Any:
    """No department inside itself; the head must be an employee who has not left."""
    facts = {name: getattr(body, name) for name in body.model_fields_set}
    row = await door.transact(handlers.change, department_id, facts, door.check_version)
    door.set_etag(row["version"])
    return row


@router.get("/organisation", response_model=Organisation, summary="The tree: departments, heads, who does what")
async def organisation(door: Door = allow(*READERS)) -> Any:
    departments, people = await door.read(store.organisation, _sees_everything(door))
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
