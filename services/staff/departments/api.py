"""The doors of departments and of the organisation."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.staff.departments import fields, handlers, rules, store
from shared.auth import Role
from shared.errors import NotFound
from shared.http.door import Door, allow
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["departments"])

READERS: tuple[Role, ...] = ("hr", "ops", "sales_head", "director", "service")


def _sees_all(door: Door) -> bool:
    """Heads of sales see what they head and what is below."""
    return door.principal.has("hr", "ops", "director", "service")


@router.post("/departments", status_code=201, summary="Create a department")
async def create_department(body: fields.NewDepartmentBody, door: Door = allow("hr")) -> rules.Department:
    """Creating twice with the same body gives the same answer."""
    department = await door.transact(handlers.create_department, body)
    door.set_location("departments", body.id)
    return department


@router.get("/departments", summary="Departments")
async def list_departments(
    parent_id: Annotated[Id | None, Query()] = None, paging: Paging = Depends(paging), door: Door = allow(*READERS)
) -> Page[rules.Department]:
    found = await door.read(store.list_visible_departments, _sees_all(door), parent_id=parent_id, paging=paging)
    return make_page(found, paging)


@router.get("/departments/{department_id}", summary="One department")
async def get_department(department_id: Id, door: Door = allow(*READERS)) -> rules.Department:
    found = await door.read(store.list_visible_departments, _sees_all(door), id=department_id)
    if not found:
        raise NotFound
    door.set_etag(found[0].version)
    return found[0]


@router.patch("/departments/{department_id}", summary="Change a department")
async def change_department(
    department_id: Id, body: fields.DepartmentChangesBody, door: Door = allow("hr")
) -> rules.Department:
    """No department inside itself; the head must be an employee who has not left."""
    department = await door.transact(handlers.change_department, department_id, body, door.check_version)
    door.set_etag(department.version)
    return department


@router.get("/organisation", summary="The tree: departments, heads, who does what")
async def get_organisation(door: Door = allow(*READERS)) -> rules.Organisation:
    return await door.read(handlers.read_organisation, _sees_all(door))
