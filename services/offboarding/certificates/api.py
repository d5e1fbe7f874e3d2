"""The certificate of a cleared case, as JSON or as a page to print."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.offboarding.certificates import store
from services.offboarding.certificates.rules import Certificate
from services.offboarding.permissions.fields import get_viewer
from shared.errors import HoldfastError
from shared.http.door import Door, allow
from shared.ids import Id

router = APIRouter(tags=["cases"])


TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


class NotAcceptable(HoldfastError, code="not_acceptable"):
    """The certificate comes as `application/json` or `text/html`."""

    status = 406


@router.get(
    "/cases/{case_id}/certificate",
    response_model=Certificate,
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
) -> Certificate | Response:
    media_type = _choose_media_type(accept)
    certificate = await door.read(store.get_certificate, get_viewer(door), case_id)
    if media_type == "text/html":
        page = TEMPLATES.get_template("certificate.html").render(**vars(certificate))
        return Response(page, media_type="text/html")
    return certificate


def _choose_media_type(accept: str) -> str:
    """The first of what is accepted that we have."""
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in ("application/json", "application/*", "*/*", ""):
            return "application/json"
        if kind in ("text/html", "text/*"):
            return "text/html"
    raise NotAcceptable
