"""The inventory of documents of a case."""

from fastapi import APIRouter, Depends

from services.offboarding.documents import handlers
from services.offboarding.documents.rules import DocumentOut, NewDocument
from services.offboarding.permissions.fields import get_viewer
from shared.http.door import Door, allow
from shared.http.fields import Body, EmptyBody, ShortText
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["tasks"])


class NewDocumentBody(Body):
    id: Id | None = None
    title: ShortText
    kind: ShortText
    location: ShortText
    client_id: Id | None = None


class HandOverBody(Body):
    """To whom; by default the successor of most clients, else the manager."""

    receiver_id: Id | None = None


@router.get("/cases/{case_id}/documents", summary="The inventory of a case")
async def list_documents(
    case_id: Id, paging: Paging = Depends(paging), door: Door = allow("employee", "hr", "sales_head", "director")
) -> Page[DocumentOut]:
    documents = await door.read(handlers.list_documents, get_viewer(door), paging, case_id)
    return make_page(documents, paging)


@router.post("/cases/{case_id}/documents", status_code=201, summary="List a document")
async def add_document(
    case_id: Id,
    body: NewDocumentBody,
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> DocumentOut:
    """By the leaver, `hr`, or the head of sales."""
    document = NewDocument(**{**vars(body), "id": body.id or uuid7()})
    added = await door.transact(handlers.add_document, get_viewer(door), case_id, document)
    door.set_location("cases", case_id, "documents")
    return added


@router.post("/documents/{document_id}/hand_over", summary="The leaver hands it over")
async def hand_over_document(
    document_id: Id, body: HandOverBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> DocumentOut:
    receiver_id = body.receiver_id if body else None
    return await door.transact(handlers.hand_over_document, get_viewer(door), document_id, receiver_id)


@router.post("/documents/{document_id}/receive", summary="The receiver signs")
async def receive_document(
    document_id: Id, body: EmptyBody | None = None, door: Door = allow("employee", "sales_head", "director")
) -> DocumentOut:
    return await door.transact(handlers.receive_document, get_viewer(door), document_id)
