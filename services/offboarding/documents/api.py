"""The inventory of documents of a case."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.offboarding.documents import handlers, store
from services.offboarding.permissions.api import get_viewer
from services.offboarding.permissions.store import get_visible_case
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.http.fields import Body, EmptyBody, Line
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["tasks"])


class DocumentOut(BaseModel):
    id: str
    case_id: str
    title: str
    kind: str
    location: str
    client_id: str | None = None
    status: Literal["listed", "handed_over", "received"]
    receiver_id: str | None = None
    listed_by: str
    listed_at: datetime
    handed_over_at: datetime | None = None
    received_at: datetime | None = None
    received_by: str | None = None


class NewDocumentBody(Body):
    id: Id | None = None
    title: Line
    kind: Line
    location: Line
    client_id: Id | None = None


class HandOverBody(Body):
    """To whom; by default the successor of most clients, else the manager."""

    receiver_id: Id | None = None


@router.get("/cases/{case_id}/documents", response_model=Page[DocumentOut], summary="The inventory of a case")
async def list_documents(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Any:
    async def read(work: UnitOfWork) -> Any:
        await get_visible_case(work, get_viewer(door), case_id)
        return make_page(await store.list_documents(work, get_viewer(door), paging, case_id), paging)

    return await door.read(read)


@router.post("/cases/{case_id}/documents", response_model=DocumentOut, status_code=201, summary="List a document")
async def add_document(
    case_id: Id,
    body: NewDocumentBody,
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    """By the leaver, `hr`, or the head of sales."""
    document = {**body.model_dump(), "id": body.id or uuid7()}
    added = dict(await door.transact(handlers.list_document, get_viewer(door), case_id, document))
    door.set_location("cases", case_id, "documents")
    return added


@router.post("/documents/{document_id}/hand_over", response_model=DocumentOut, summary="The leaver hands it over")
async def hand_over_document(
    document_id: Id, body: HandOverBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    receiver = body.receiver_id if body else None
    return dict(await door.transact(handlers.hand_over_document, get_viewer(door), document_id, receiver))


@router.post("/documents/{document_id}/receive", response_model=DocumentOut, summary="The receiver signs")
async def receive_document(
    document_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> Any:
    return dict(await door.transact(handlers.receive_document, get_viewer(door), document_id))
