"""Publishing versions of policies, and acknowledging exactly one of them."""

from collections.abc import Collection

from services.staff.departments.store import list_existing_departments
from services.staff.employees.handlers import lock_employee
from services.staff.policies import fields, rules, store
from shared.contracts.staff import PolicyAcknowledged
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.http.creation import hash_body, require_same_body
from shared.journal import publish_journal_entry
from shared.paging import Paging

REPUBLISH_BATCH = 500


async def publish_first_policy_version(
    work: UnitOfWork, policy_id: str, body: fields.NewPolicyBody
) -> rules.PolicyVersion:
    """Publishes version 1. The same again gives the same answer. Raises `IdTaken`, `AppliesToUnknownDepartment`."""
    await store.lock_policy(work, policy_id)
    existing = await store.get_policy_version(work, policy_id, 1)
    if existing is not None:
        require_same_body(await store.get_body_hash(work, policy_id), body)
        return existing
    return await _publish_version(work, policy_id, 1, body)


async def publish_policy_version(
    work: UnitOfWork, policy_id: str, body: fields.NewPolicyVersionBody
) -> rules.PolicyVersion:
    """The next version of a policy. Raises `NotFound`, `AppliesToUnknownDepartment`, `EffectiveBeforePreviousVersion`."""
    await store.lock_policy(work, policy_id)
    newest = await read_policy_version(work, policy_id, None)
    if (body.effective_on or work.today) < newest.effective_on:
        raise rules.EffectiveBeforePreviousVersion
    return await _publish_version(work, policy_id, newest.version + 1, body)


async def _publish_version(
    work: UnitOfWork, policy_id: str, number: int, body: fields.NewPolicyVersionBody
) -> rules.PolicyVersion:
    if set(body.applies_to) - await list_existing_departments(work, body.applies_to):
        raise rules.AppliesToUnknownDepartment
    version = rules.PolicyVersion(
        **body.model_dump(exclude={"id", "effective_on"}),
        id=policy_id,
        version=number,
        published_on=work.today,
        effective_on=body.effective_on or work.today,
        by_id=work.actor,
    )
    await store.insert_policy_version(work, version, hash_body(body))
    work.publish(version.to_event())
    publish_journal_entry(work, "policy.published", policy_id=policy_id, version=number)
    return version


async def acknowledge_or_decline_policy(
    work: UnitOfWork,
    policy_id: str,
    number: int,
    employee_id: str,
    body: fields.AcknowledgementBody,
    roles: Collection[str],
) -> rules.Acknowledgement:
    """Oneself, or `hr` with evidence. The same again changes nothing.

    Raises `NotFound`, `Forbidden`, `EvidenceMissing`, `DeclineReasonMissing`, `HasLeft`, `DeclinedAfterAcknowledgement`.
    """
    if employee_id != work.actor:
        if "hr" not in roles:
            raise Forbidden
        if body.evidence is None:
            raise rules.EvidenceMissing
    if body.declined and body.reason is None:
        raise rules.DeclineReasonMissing
    employee = (await lock_employee(work, employee_id)).employee
    await read_policy_version(work, policy_id, number)
    if employee.status == "left":
        raise rules.HasLeft
    known = await store.get_acknowledgement(work, policy_id, number, employee_id)
    if known is not None and known.state == "acknowledged":
        if body.declined:
            raise rules.DeclinedAfterAcknowledgement
        return known
    acknowledgement = rules.Acknowledgement(
        policy_id=policy_id,
        version=number,
        employee_id=employee_id,
        employment_id=employee.employment_id,
        state="declined" if body.declined else "acknowledged",
        at=work.now,
        by_id=work.actor,
        evidence=body.evidence,
        reason=body.reason if body.declined else None,
    )
    await store.upsert_acknowledgement(work, acknowledgement)
    work.publish(PolicyAcknowledged.model_validate(vars(acknowledgement)))
    publish_journal_entry(
        work, "policy.acknowledged", employee_id, policy_id=policy_id, version=number, state=acknowledgement.state
    )
    return acknowledgement


async def read_policy_version(work: UnitOfWork, policy_id: str, number: int | None) -> rules.PolicyVersion:
    """This version, or the newest. Raises `NotFound`."""
    version = await store.get_policy_version(work, policy_id, number)
    if version is None:
        raise NotFound
    return version


async def list_outstanding_employees(
    work: UnitOfWork, policy_id: str, number: int | None, paging: Paging
) -> list[rules.OutstandingEmployee]:
    """Who has not acknowledged this version, or the newest. Raises `NotFound`."""
    version = await read_policy_version(work, policy_id, number)
    return await store.list_outstanding_employees(work, policy_id, version.version, paging)


# -- again -------------------------------------------------------------------------------------------------------------


async def republish_policy_versions(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """All at once: there are few."""
    versions = await store.list_all_policy_versions(work)
    work.publish(*(version.to_event() for version in versions))
    return len(versions), None


async def republish_acknowledgements(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """`after`: the employee and policy of the last one, with a line break between them."""
    employee_id, _, policy_id = after.partition("\n")
    acknowledged = await store.list_acknowledged_versions_after(work, employee_id, policy_id, REPUBLISH_BATCH)
    work.publish(*(PolicyAcknowledged(state="acknowledged", **vars(version)) for version in acknowledged))
    return len(acknowledged), f"{acknowledged[-1].employee_id}\n{acknowledged[-1].policy_id}" if acknowledged else None
