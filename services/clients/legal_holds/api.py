"""Legal holds: what the journal knows of somebody is kept until they end."""

from fastapi import APIRouter, Depends

from services.clients.access.api import CREATED_RESPONSES
from services.clients.legal_holds import handlers, store
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["journal"])


class NewLegalHoldBody(Body):
    """`reason`: why, such as the number of the proceedings."""

    employee_id: Id
    reason: ShortText


@router.post(
    "/journal/holds",
    status_code=201,
    responses=CREATED_RESPONSES,
    summary="Keep what the journal knows of somebody",
)
async def place_legal_hold(body: NewLegalHoldBody, door: Door = allow("hr", "director")) -> store.LegalHold:
    hold = await door.transact(handlers.place_legal_hold, body.employee_id, body.reason)
    door.set_location("journal", "holds", body.employee_id)
    return hold


@router.get("/journal/holds", summary="Who is held")
async def list_legal_holds(
    paging: Paging = Depends(paging), door: Door = allow("hr", "director", "auditor")
) -> Page[store.LegalHold]:
    return make_page(await door.read(store.list_legal_holds, paging), paging, lambda hold: (hold.employee_id,))


@router.delete("/journal/holds/{employee_id}", status_code=204, summary="End a legal hold")
async def release_legal_hold(employee_id: Id, door: Door = allow("hr", "director")) -> None:
    await door.transact(handlers.release_legal_hold, employee_id)
