"""The checklist that every case gets, read and set."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.offboarding.checklist import handlers, rules, store
from shared.http.door import Door, allow
from shared.http.fields import Body, ShortText

router = APIRouter(tags=["tasks"])

TaskKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class DueBody(Body):
    """So many working days after notice, or before the last day."""

    working_days: int = Field(ge=0, le=250, strict=True)
    counted_from: Literal["notice", "last_day"] = "notice"


class ChecklistEntryBody(Body):
    """`kind` of a standard task (`successful_actions`, `training`, `documents`, `undertaking`, `team_meeting`) replaces it.
    `after_transfer`: it needs a successor, so it opens after the transfer."""

    kind: TaskKind | None = None
    title: ShortText
    who: Literal["leaver", "successor", "manager", "sales_head", "hr"]
    due: DueBody
    proof: bool = False
    after_transfer: bool = False


class ChecklistBody(Body):
    items: list[ChecklistEntryBody] = Field(max_length=100)


class ChecklistOut(BaseModel):
    """With the standard tasks."""

    items: list[ChecklistEntryBody]


@router.get("/checklist", summary="The tasks that every case gets")
async def get_checklist(door: Door = allow("employee", "hr", "sales_head", "director")) -> ChecklistOut:
    checklist = await door.read(store.get_checklist)
    door.set_etag(checklist.version)
    return _to_out(checklist)


@router.put("/checklist", summary="Set the checklist, for cases that begin from now on")
async def put_checklist(body: ChecklistBody, door: Door = allow("hr", "director")) -> ChecklistOut:
    """The standard tasks that are not named stay. Kinds that are not given are made: `own_1`, `own_2`…"""
    entries = [
        rules.ChecklistEntry(
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
    checklist = await door.transact(handlers.set_checklist, entries, door.check_version)
    door.set_etag(checklist.version)
    return _to_out(checklist)


def _to_out(checklist: rules.Checklist) -> ChecklistOut:
    return ChecklistOut(
        items=[
            ChecklistEntryBody(
                kind=entry.kind,
                title=entry.title,
                who=entry.who,
                due=DueBody(working_days=entry.working_days, counted_from=entry.counted_from),
                proof=entry.proof,
                after_transfer=entry.after_transfer,
            )
            for entry in checklist.entries
        ]
    )
