"""The certificate of a cleared case, as JSON or as a page to print."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from services.offboarding.certificates import store
from services.offboarding.permissions.api import get_viewer
from services.offboarding.permissions.store import get_visible_case
from shared.database import UnitOfWork
from shared.errors import HoldfastError, Refused
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["cases"])


class SettledItemOut(BaseModel):
    step: str
    what: str
    status: str
    by_id: str | None
    at: datetime | None
    reason: str | None


class ApprovedPlanOut(BaseModel):
    version: int
    approved_by: str | None
    approved_at: datetime | None
    gap: float


class SuccessorOut(BaseModel):
    employee_id: str
    clients: int
    stages: int
    team: int


class IntroductionCountOut(BaseModel):
    status: str
    number: int


class VisitCountOut(BaseModel):
    outcome: str
    number: int


class CertifiedDocumentOut(BaseModel):
    id: str
    kind: str
    status: str
    by_id: str | None
    at: datetime | None


class CertificateFiguresOut(BaseModel):
    clients: int
    kept: int
    visits: int
    waived: int


class CertificateOut(BaseModel):
    case_id: str
    employee_id: str
    employment_id: str
    last_day: date
    opened_at: datetime
    cleared_at: datetime
    figures: CertificateFiguresOut
    plan: ApprovedPlanOut | None
    items: list[SettledItemOut]
    successors: list[SuccessorOut]
    introductions: list[IntroductionCountOut]
    visits: list[VisitCountOut]
    documents: list[CertifiedDocumentOut]


TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


class NotCleared(Refused, code="not_cleared"):
    """This case is not cleared yet; `GET /cases/{id}` says what it waits for."""


class NotAcceptable(HoldfastError, code="not_acceptable"):
    """The certificate comes as `application/json` or `text/html`."""

    status = 406


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
    kind = _choose_media_type(accept)

    async def read(work: UnitOfWork) -> Any:
        row = await get_visible_case(work, get_viewer(door), case_id)
        if row["cleared_at"] is None:
            raise NotCleared
        return await store.get_certificate(work, row)

    found = await door.read(read)
    if kind == "text/html":
        return Response(TEMPLATES.get_template("certificate.html").render(**found), media_type="text/html")
    return found


def _choose_media_type(accept: str) -> str:
    """The first of what is accepted that we have."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in ("application/json", "application/*", "*/*", ""):
            return "application/json"
        if kind in ("text/html", "text/*"):
            return "text/html"
    raise NotAcceptable
