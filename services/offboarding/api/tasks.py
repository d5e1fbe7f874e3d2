"""Human tasks, the checklist they come from, and the inventory of documents."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StringConstraints

from services.offboarding.api.cases import viewer
from services.offboarding.api.shapes import DocumentOut, TaskOut
from services.offboarding.domain.checklist import RESERVED, Entry, complete, from_rows, to_rows
from services.offboarding.handlers import deciding, documents, tasks
from services.offboarding.store import lists
from services.offboarding.store.seeing import see_case
from shared.database import UnitOfWork
from shared.errors import Unprocessable
from shared.http.door import Door, allow
from shared.http.fields import Body, EmptyBody, Line, Paragraphs
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["tasks"])
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class Proof(Body):
    proof: Paragraphs | None = None


class Reason(Body):
    reason: Paragraphs


class Due(Body):
    """So many working days after notice, or before the last day."""

    working_days: int = Field(ge=0, le=250, strict=True)
    counted_from: Literal["notice", "last_day"] = "notice"


class ChecklistEntry(Body):
    """`kind` of a standard task (`successful_actions`, `training`, `documents`, `undertaking`, `team_meeting`) replaces it.
    `after_transfer`: it needs a successor, so it opens after the transfer."""

    kind: Kind | None = None
    title: Line
    who: Literal["leaver", "successor", "manager", "sales_head", "hr"]
    due: Due
    proof: bool = False
    after_transfer: bool = False


class Checklist(Body):
    items: list[ChecklistEntry] = Field(max_length=100)


class WholeChecklist(BaseModel):
    """With the standard tasks."""

    items: list[ChecklistEntry]


class SameKind(Unprocessable, code="same_kind"):
    """Each `kind` stands in the checklist once, and `introductions` and `approval` are taken."""


class NewDocument(Body):
    id: Id | None = None
    title: Line
    kind: Line
    location: Line
    client_id: Id | None = None


class HandOver(Body):
    """To whom; by default the successor of most clients, else the manager."""

    receiver_id: Id | None = None


@router.get("/tasks", response_model=Page[TaskOut], summary="Tasks: your own, and those that you may know of")
async def list_tasks(
    assignee_id: Id | None = None,
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    return make_page(await door.read(lists.tasks, viewer(door), paging, assignee_id, case_id), paging)


@router.post("/tasks/{task_id}/complete", response_model=TaskOut, summary="The task is done")
async def complete_task(
    task_id: Id, body: Proof | None = None, door: Door = allow("employee", "hr", "sales_head", "director")
) -> Any:
    """By the assignee, by `hr` where it is theirs, or by the head of sales of the case."""
    return dict(await door.transact(tasks.complete, viewer(door), task_id, body.proof if body else None))


@router.post("/tasks/{task_id}/waive", response_model=TaskOut, summary="The task is dropped, with a reason")
async def waive_task(task_id: Id, body: Reason, door: Door = allow("sales_head", "director")) -> Any:
    return dict(await door.transact(tasks.waive, viewer(door), task_id, body.reason))


@router.get("/checklist", response_model=WholeChecklist, summary="The tasks that every case gets")
async def get_checklist(door: Door = allow("employee", "hr", "sales_head", "director")) -> Any:
    version, entries = await door.read(_checklist)
    door.set_etag(version)
    return _shown(entries)


@router.put("/checklist", response_model=WholeChecklist, summary="Set the checklist, for cases that begin from now on")
async def put_checklist(body: Checklist, door: Door = allow("hr", "director")) -> Any:
    """The standard tasks that are not named stay. Kinds that are not given are made: `own_1`, `own_2`…"""
    entries = [
        Entry(
            kind=item.kind or f"own_{place}",
            title=item.title,
            who=item.who,
            working_days=item.due.working_days,
            counted_from=item.due.counted_from,
            proof=item.proof,
            after_transfer=item.after_transfer,
        )
        for place, item in enumerate(body.items, 1)
    ]
    kinds = [entry.kind for entry in entries]
    if len(set(kinds)) < len(kinds) or not set(kinds).isdisjoint(RESERVED):
        raise SameKind

    async def put(work: UnitOfWork) -> int:
        await work.execute("LOCK TABLE checklist IN EXCLUSIVE MODE")
        version, known = await _checklist(work)
        door.check_version(version)
        if to_rows(complete(entries)) == to_rows(known):
            return version
        await deciding.put_checklist(work, version + 1, entries)
        return version + 1

    door.set_etag(await door.transact(put))
    return _shown(complete(entries))


async def _checklist(work: UnitOfWork) -> tuple[int, tuple[Entry, ...]]:
    row = await work.fetch_row("SELECT version, entries FROM checklist ORDER BY version DESC LIMIT 1")
    return (row["version"], complete(from_rows(row["entries"]))) if row else (0, complete(()))


def _shown(entries: tuple[Entry, ...]) -> WholeChecklist:
    return WholeChecklist(
        items=[
            ChecklistEntry(
                kind=entry.kind,
                title=entry.title,
                who=entry.who,
                due=Due(working_days=entry.working_days, counted_from=entry.counted_from),
                proof=entry.proof,
                after_transfer=entry.after_transfer,
            )
            for entry in entries
        ]
    )


@router.get("/cases/{case_id}/documents", response_model=Page[DocumentOut], summary="The inventory of a case")
async def list_documents(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Any:
    async def read(work: UnitOfWork) -> Any:
        await see_case(work, viewer(door), case_id)
        return make_page(await lists.documents(work, viewer(door), paging, case_id), paging)

    return await door.read(read)


@router.post("/cases/{case_id}/documents", response_model=DocumentOut, status_code=201, summary="List a document")
async def add_document(
    case_id: Id,
    body: NewDocument,
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    """By the leaver, `hr`, or the head of sales."""
    document = {**body.model_dump(), "id": body.id or uuid7()}
    added = dict(await door.transact(documents.add, viewer(door), case_id, document))
    door.set_location("cases", case_id, "documents")
    return added


@router.post("/documents/{document_id}/hand_over", response_model=DocumentOut, summary="The leaver hands it over")
async def hand_over(
    document_id: Id, body: HandOver | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    receiver = body.receiver_id if body else None
    return dict(await door.transact(documents.hand_over, viewer(door), document_id, receiver))


@router.post("/documents/{document_id}/receive", response_model=DocumentOut, summary="The receiver signs")
async def receive(
    document_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return dict(await door.transact(documents.receive, viewer(door), document_id))
