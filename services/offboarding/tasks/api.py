"""Human tasks: listed, completed, waived."""

from fastapi import APIRouter, Depends

from services.offboarding.permissions.fields import get_viewer
from services.offboarding.tasks import handlers, store
from services.offboarding.tasks.rules import TaskOut
from shared.http.door import Door, allow
from shared.http.fields import Body, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["tasks"])


class ProofBody(Body):
    proof: Paragraphs | None = None


class WaiverBody(Body):
    reason: Paragraphs


@router.get("/tasks", summary="Tasks: your own, and those that you may know of")
async def list_tasks(
    assignee_id: Id | None = None,
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Page[TaskOut]:
    tasks = await door.read(store.list_tasks, get_viewer(door), paging, assignee_id, case_id)
    return make_page(tasks, paging)


@router.post("/tasks/{task_id}/complete", summary="The task is done")
async def complete_task(
    task_id: Id, body: ProofBody | None = None, door: Door = allow("employee", "hr", "sales_head", "director")
) -> TaskOut:
    """By the assignee, by `hr` where it is theirs, or by the head of sales of the case."""
    return await door.transact(handlers.complete_task, get_viewer(door), task_id, body.proof if body else None)


@router.post("/tasks/{task_id}/waive", summary="The task is dropped, with a reason")
async def waive_task(task_id: Id, body: WaiverBody, door: Door = allow("sales_head", "director")) -> TaskOut:
    return await door.transact(handlers.waive_task, get_viewer(door), task_id, body.reason)
