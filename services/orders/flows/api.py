"""Doors of flows: create, read, change by a new version."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import AliasChoices, BaseModel, Field

from services.orders.flows import handlers, rules, store
from shared.auth import Role
from shared.http.door import Door, allow
from shared.http.fields import Body, Effort, NotBoolean, ShortText
from shared.ids import Id
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["flows"])
FLOW_READERS: tuple[Role, ...] = ("employee", "sales_head", "director", "ops", "service")


class StageOfFlow(Body):
    """`effort` in points; `days`: working days from the end of the stage before."""

    name: Id
    function: Id
    effort: Effort
    days: Annotated[int, Field(ge=0, le=260), NotBoolean]


class FlowVersionBody(Body):
    name: ShortText
    stages: list[StageOfFlow] = Field(min_length=1, max_length=30)
    separate: list[tuple[Id, Id]] = Field(
        default=[], max_length=450, description="pairs of stages that must be in different hands"
    )

    def list_stages(self) -> list[rules.FlowStage]:
        return [rules.FlowStage(stage.name, stage.function, stage.effort, stage.days) for stage in self.stages]


class NewFlowBody(FlowVersionBody):
    id: Id


class Flow(BaseModel):
    id: str = Field(validation_alias=AliasChoices("id", "flow_id"))
    version: int
    name: str
    stages: list[StageOfFlow]
    separate: list[tuple[str, str]]


@router.post("/flows", status_code=201, response_model=Flow, summary="Create a flow")
async def create_flow(body: NewFlowBody, door: Door = allow("director", "ops", "service")) -> rules.Flow:
    door.set_location("flows", body.id)
    return await door.transact(handlers.create_flow, body.id, body.name, body.list_stages(), body.separate)


@router.get("/flows", response_model=Page[Flow], summary="All flows, in their newest versions")
async def list_flows(paging: Paging = Depends(paging), door: Door = allow(*FLOW_READERS)) -> Page[rules.Flow]:
    return make_page(await door.read(store.list_flows, paging), paging, key=lambda flow: (flow.flow_id,))


@router.get("/flows/{flow_id}", response_model=Flow, summary="A flow in its newest version")
async def get_flow(flow_id: Id, door: Door = allow(*FLOW_READERS)) -> rules.Flow:
    flow = await door.read(handlers.get_flow, flow_id)
    door.set_etag(flow.version)
    return flow


@router.post("/flows/{flow_id}/versions", status_code=201, response_model=Flow, summary="Change a flow")
async def change_flow(
    flow_id: Id, body: FlowVersionBody, door: Door = allow("director", "ops", "service")
) -> rules.Flow:
    """Makes the next version; orders keep theirs. What is in force already is answered as it is."""
    flow = await door.transact(handlers.change_flow, flow_id, body.name, body.list_stages(), body.separate)
    door.set_location("flows", flow_id, "versions", flow.version)
    return flow


@router.get("/flows/{flow_id}/versions/{version}", response_model=Flow, summary="A flow in one version")
async def get_flow_version(
    flow_id: Id, version: Annotated[int, Path(ge=1, le=1_000_000)], door: Door = allow(*FLOW_READERS)
) -> rules.Flow:
    return await door.read(handlers.get_flow, flow_id, version)
