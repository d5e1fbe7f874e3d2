"""Cases: where each stands, what it waits for, what happened, its certificate; and what a person decides about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.offboarding.api.shapes import CaseLine, CaseOut, CertificateOut, Entry, FollowUpOut
from services.offboarding.handlers import deciding
from services.offboarding.saga import ORDER
from services.offboarding.store import certificates, lists, people
from services.offboarding.store.seeing import Viewer, see_case
from shared.database import UnitOfWork
from shared.errors import HoldfastError, Refused
from shared.http.door import Door, allow
from shared.http.fields import Body, Paragraphs
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["cases"])
PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
Status = Literal["open", "needs_person", "cleared", "cancelled"]
StepName = Literal["freeze", "assess", "plan", "transfer", "hand_over", "clear", "follow_up"]


class NotCleared(Refused, code="not_cleared"):
    """This case is not cleared yet; `GET /cases/{id}` says what it waits for."""


class NotAcceptable(HoldfastError, code="not_acceptable"):
    """The certificate comes as `application/json` or `text/html`."""

    status = 406


class StepBody(Body):
    """Only this step; without it everything that failed."""

    step: StepName | None = None


class SkipBody(Body):
    reason: Paragraphs
    step: StepName | None = None


def viewer(door: Door) -> Viewer:
    return Viewer.of(door.principal.sub, door.principal.roles, door.frozen)


@router.get("/cases", response_model=Page[CaseLine], summary="Cases that you may know of")
async def list_cases(
    employee_id: Id | None = None,
    status: Status | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    return await door.read(_list, viewer(door), paging, employee_id, status)


async def _list(work: UnitOfWork, who: Viewer, paging: Paging, employee_id: str | None, status: str | None) -> Any:
    rows = await lists.cases(work, who, paging, employee_id, status)
    heads = await people.heads_of_sales(work, [row["employee_id"] for row in rows])
    steps = await lists.steps(work, [row["id"] for row in rows])
    waiting = await lists.waiting_for(work, rows, heads)
    shown = [
        {
            **row,
            "steps": _all_steps(steps[row["id"]]),
            "head_of_sales_id": heads[row["employee_id"]],
            "waiting_for": waiting[row["id"]],
        }
        for row in rows
    ]
    return make_page(shown, paging)


@router.get("/cases/{case_id}", response_model=CaseOut, summary="Where a case stands and what it waits for")
async def get_case(case_id: Id, door: Door = allow("employee", "hr", "sales_head", "director")) -> Any:
    return await door.read(_get, viewer(door), case_id)


async def _get(work: UnitOfWork, who: Viewer, case_id: str) -> Any:
    row = await see_case(work, who, case_id)
    heads = await people.heads_of_sales(work, [row["employee_id"]])
    return {
        **row,
        "steps": _all_steps((await lists.steps(work, [case_id]))[case_id]),
        "head_of_sales_id": heads[row["employee_id"]],
        "stayed": await lists.stayed(work, row),
        "waiting_for": (await lists.waiting_for(work, [row], heads))[case_id],
    }


def _all_steps(known: Any) -> list[Mapping[str, Any]]:
    by_name = {step["name"]: step for step in known}
    return [by_name.get(name, {"name": name, "status": "pending"}) for name in ORDER]


@router.get("/cases/{case_id}/timeline", response_model=Page[Entry], summary="What happened in a case, in order")
async def get_timeline(
    case_id: Id,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    async def read(work: UnitOfWork) -> Any:
        await see_case(work, viewer(door), case_id)
        return make_page(await lists.timeline(work, paging, case_id), paging, lambda row: (str(row["id"]),))

    return await door.read(read)


@router.post("/cases/{case_id}/retry", response_model=CaseOut, summary="Try again what failed")
async def retry(case_id: Id, body: StepBody, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. A command or computation is repeated. A transfer that failed in part is planned
    anew for what is still with the leaver, and waits for approval again; so is, with `step` `plan`, a plan that awaits
    approval. Where a withdrawal came after the case was cleared, this lifts the freeze and restores nothing."""

    async def act(work: UnitOfWork) -> Any:
        await deciding.retry(work, viewer(door), case_id, body.step)
        return await _get(work, viewer(door), case_id)

    return await door.transact(act)


@router.post("/cases/{case_id}/skip", response_model=CaseOut, summary="Go on without what failed")
async def skip(case_id: Id, body: SkipBody, door: Door = allow("sales_head", "director")) -> Any:
    """Only the head of sales of the case. What was not transferred stays with the caretaker and is written through to
    them at the end; the reason stands in the certificate."""

    async def act(work: UnitOfWork) -> Any:
        await deciding.skip(work, viewer(door), case_id, body.step, body.reason)
        return await _get(work, viewer(door), case_id)

    return await door.transact(act)


@router.get(
    "/cases/{case_id}/certificate",
    response_model=CertificateOut,
    summary="What was done, by whom and when",
    responses={
        200: {
            "content": {"text/html": {"schema": {"type": "string"}}},
            "description": "By `Accept`: JSON or a page to print",
        },
        406: {"description": "Neither JSON nor HTML is accepted"},
    },
)
async def get_certificate(
    case_id: Id,
    accept: Annotated[str, Header()] = "application/json",
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    kind = _wanted(accept)

    async def read(work: UnitOfWork) -> Any:
        row = await see_case(work, viewer(door), case_id)
        if row["cleared_at"] is None:
            raise NotCleared
        return await certificates.certificate(work, row)

    found = await door.read(read)
    if kind == "text/html":
        return Response(PAGES.get_template("certificate.html").render(**found), media_type="text/html")
    return found


def _wanted(accept: str) -> str:
    """The first of what is accepted that we have."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in ("application/json", "application/*", "*/*", ""):
            return "application/json"
        if kind in ("text/html", "text/*"):
            return "text/html"
    raise NotAcceptable


@router.get(
    "/followups", response_model=Page[FollowUpOut], summary="Transferred clients since, against the year before"
)
async def list_followups(
    case_id: Id | None = None,
    paging: Paging = Depends(paging),
    door: Door = allow("employee", "hr", "sales_head", "director"),
) -> Any:
    rows = await door.read(lists.followups, viewer(door), paging, case_id)
    return make_page(rows, paging, lambda row: (row["case_id"], row["client_id"]))
