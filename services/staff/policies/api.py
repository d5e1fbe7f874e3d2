"""The doors of policies and acknowledgements."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.staff.policies import fields, handlers, rules, store
from shared.http.door import Door, allow
from shared.ids import Id, uuid7
from shared.paging import Page, Paging, make_page, paging

router = APIRouter(tags=["policies"])

VersionNumber = Annotated[int, Field(ge=1, le=1_000_000)]


@router.post("/policies", status_code=201, summary="Publish a policy: its version 1")
async def publish_first_policy_version(body: fields.NewPolicyBody, door: Door = allow("hr")) -> rules.PolicyVersion:
    """Creating twice with the same body gives the same answer."""
    policy_id = body.id or uuid7()
    version = await door.transact(handlers.publish_first_policy_version, policy_id, body)
    door.set_location("policies", policy_id)
    return version


@router.get("/policies", summary="Policies")
async def list_policies(paging: Paging = Depends(paging), door: Door = allow("anyone")) -> Page[rules.Policy]:
    return make_page(await door.read(store.list_policies, paging), paging)


@router.get("/policies/{policy_id}", summary="The newest version of a policy")
async def get_policy(policy_id: Id, door: Door = allow("anyone")) -> rules.PolicyVersion:
    return await door.read(handlers.read_policy_version, policy_id, None)


@router.post("/policies/{policy_id}/versions", status_code=201, summary="Publish the next version")
async def publish_policy_version(
    policy_id: Id, body: fields.NewPolicyVersionBody, door: Door = allow("hr")
) -> rules.PolicyVersion:
    version = await door.transact(handlers.publish_policy_version, policy_id, body)
    door.set_location("policies", policy_id, "versions", version.version)
    return version


@router.get("/policies/{policy_id}/versions/{number}", summary="One version of a policy")
async def get_policy_version(policy_id: Id, number: VersionNumber, door: Door = allow("anyone")) -> rules.PolicyVersion:
    return await door.read(handlers.read_policy_version, policy_id, number)


@router.get(
    "/policies/{policy_id}/outstanding",
    summary="Who has not acknowledged a policy: its newest version, or the one asked for",
)
async def list_outstanding_employees(
    policy_id: Id,
    version: Annotated[VersionNumber | None, Query()] = None,
    paging: Paging = Depends(paging),
    door: Door = allow("hr"),
) -> Page[rules.OutstandingEmployee]:
    found = await door.read(handlers.list_outstanding_employees, policy_id, version, paging)
    return make_page(found, paging, lambda outstanding: (outstanding.employee_id,))


@router.put(
    "/policies/{policy_id}/versions/{number}/acknowledgements/{employee_id}",
    summary="Acknowledge a version, or decline it",
)
async def acknowledge_or_decline_policy(
    policy_id: Id,
    number: VersionNumber,
    employee_id: Id,
    body: fields.AcknowledgementBody | None = None,
    door: Door = allow("anyone"),
) -> rules.Acknowledgement:
    """It binds to exactly this version. For oneself; or by `hr` for somebody who signed on paper, with `evidence`."""
    return await door.transact(
        handlers.acknowledge_or_decline_policy,
        policy_id,
        number,
        employee_id,
        body or fields.AcknowledgementBody(),
        door.principal.roles,
    )
