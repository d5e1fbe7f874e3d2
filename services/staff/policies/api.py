"""The doors of policies and acknowledgements."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints

from services.staff.policies import handlers
from shared.http.door import Door, allow
from shared.http.fields import Body, Day, Line, NotBoolean, Paragraphs
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["policies"])

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]

PolicyText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=100_000)]

VersionNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class NewPolicyVersion(Body):
    """`effective_on`: today, if left out. `grace_days` for those hired before it was published. `applies_to` departments,
    with those below; to all if left out. What is `required_for_access` shuts whoever has not acknowledged it out."""

    title: Line
    texts: Annotated[dict[Language, PolicyText], Field(min_length=1, max_length=50)]
    effective_on: Day | None = None
    grace_days: Annotated[int, Field(ge=0, le=365), NotBoolean] = 14
    required_for_access: bool = False
    applies_to: Annotated[list[Id], Field(max_length=1_000)] = Field(default_factory=list)


class NewPolicy(NewPolicyVersion):
    id: Id | None = None


class PolicyVersion(BaseModel):
    id: str
    version: int
    title: str
    texts: dict[str, str]
    published_on: date
    effective_on: date
    grace_days: int
    required_for_access: bool
    applies_to: list[str]
    by_id: str


class Policy(BaseModel):
    """`in_force` is the version that counts today, if any does yet."""

    id: str
    title: str
    newest: int
    in_force: int | None


class AcknowledgementRequest(Body):
    """Nothing to say for oneself; `evidence` (where the signed paper is) for somebody else; or `declined`, and why."""

    evidence: Line | None = None
    declined: bool = False
    reason: Paragraphs | None = None


class Acknowledgement(BaseModel):
    policy_id: str
    version: int
    employee_id: str
    employment_id: str
    state: Literal["acknowledged", "declined"]
    at: datetime
    by_id: str
    evidence: str | None
    reason: str | None


class OutstandingEmployee(BaseModel):
    """`due_on`: from this day on a policy that is required for access shuts them out."""

    employee_id: str
    version: int
    state: Literal["missing", "declined"]
    reason: str | None
    due_on: date


@router.post("/policies", status_code=201, response_model=PolicyVersion, summary="Publish a policy: its version 1")
async def create_policy(body: NewPolicy, door: Door = allow("hr")) -> Any:
    """Creating twice with the same body gives the same answer."""
    policy_id = body.id or uuid7()
    made = await door.transact(handlers.publish_policy_version, policy_id, body, first=True)
    door.set_location("policies", policy_id)
    return made


@router.get("/policies", response_model=Page[Policy], summary="Policies")
async def list_policies(paging: Paging = Depends(paging), door: Door = allow("anyone")) -> Any:
    return make_page(await door.read(handlers.list_policies, paging), paging)


@router.get("/policies/{policy_id}", response_model=PolicyVersion, summary="The newest version of a policy")
async def get_policy(policy_id: Id, door: Door = allow("anyone")) -> Any:
    return await door.read(handlers.read_policy_version, policy_id, None)


@router.post(
    "/policies/{policy_id}/versions", status_code=201, response_model=PolicyVersion, summary="Publish the next version"
)
async def publish_policy_version(policy_id: Id, body: NewPolicyVersion, door: Door = allow("hr")) -> Any:
    made = await door.transact(handlers.publish_policy_version, policy_id, body, first=False)
    door.set_location("policies", policy_id, "versions", made["version"])
    return made


@router.get("/policies/{policy_id}/versions/{number}", response_model=PolicyVersion, summary="One version of a policy")
async def get_policy_version(policy_id: Id, number: VersionNumber, door: Door = allow("anyone")) -> Any:
    return await door.read(handlers.read_policy_version, policy_id, number)


@router.get(
    "/policies/{policy_id}/outstanding",
    response_model=Page[OutstandingEmployee],
    summary="Who has not acknowledged a policy: its newest version, or the one asked for",
)
async def list_outstanding_employees(
    policy_id: Id,
    version: Annotated[VersionNumber | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr"),
) -> Any:
    rows = await door.read(handlers.list_outstanding_employees, policy_id, version, paging)
    return make_page(rows, paging, lambda row: (row["employee_id"],))


@router.put(
    "/policies/{policy_id}/versions/{number}/acknowledgements/{employee_id}",
    response_model=Acknowledgement,
    summary="Acknowledge a version, or decline it",
)
async def acknowledge_policy(
    policy_id: Id,
    number: VersionNumber,
    employee_id: Id,
    body: AcknowledgementRequest | None = None,
    door: Door = allow("anyone"),
) -> Any:
    """It binds to exactly this version. For oneself; or by `hr` for somebody who signed on paper, with `evidence`."""
    said = (body or AcknowledgementRequest()).model_dump()
    return await door.transact(handlers.acknowledge_policy, policy_id, number, employee_id, said, door.principal.roles)
