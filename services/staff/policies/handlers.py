"""Publishing versions of policies, and acknowledging exactly one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.staff.departments.store import list_existing_departments
from services.staff.employees.fields import hash_body
from services.staff.employees.handlers import lock_employee, today
from services.staff.policies import rules, store
from shared.contracts.clients import JournalEntry
from shared.contracts.staff import PolicyAcknowledged, PolicyPublished
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, NotFound
from shared.http.fields import Body
from shared.paging import Paging

REPUBLISH_BATCH = 500


async def publish_policy_version(work: UnitOfWork, policy_id: str, body: Body, *, first: bool) -> Mapping[str, Any]:
    """Version 1 of a new policy (the same again gives the same answer), or the next version of one that exists.

    Raises `Exists`, `NotFound`, `UnknownDepartment`, `BeforeTheOneBefore`.
    """
    await store.lock_policy(work, policy_id)
    newest = await store.get_newest_policy_version(work, policy_id)
    body_hash = hash_body(body)
    if newest is None and not first:
        raise NotFound
    if newest is not None and first:
        one = await store.get_policy_version(work, policy_id, 1)
        if one is None or one["body_hash"] != body_hash.hex():
            raise Exists
        return one
    row = {**body.model_dump(mode="python", exclude={"id"}), "published_on": today(work), "body_hash": body_hash}
    row["effective_on"] = row["effective_on"] or today(work)
    if set(row["applies_to"]) - set(await list_existing_departments(work, row["applies_to"])):
        raise rules.UnknownDepartment
    if newest is not None and row["effective_on"] < newest["effective_on"]:
        raise rules.BeforeTheOneBefore
    number = newest["version"] + 1 if newest else 1
    await store.insert_policy_version(work, policy_id, number, row)
    made = await store.get_policy_version(work, policy_id, number)
    assert made is not None  # noqa: S101 - just now
    work.publish(build_policy_published(made))
    work.publish(
        JournalEntry(kind="policy.published", actor_id=work.actor, details={"policy_id": policy_id, "version": number})
    )
    return made


def build_policy_published(row: Mapping[str, Any]) -> PolicyPublished:
    return PolicyPublished(
        policy_id=row["id"],
        **{
            name: row[name]
            for name in ("version", "published_on", "effective_on", "grace_days", "required_for_access", "applies_to")
        },
    )


async def acknowledge_policy(
    work: UnitOfWork,
    policy_id: str,
    number: int,
    employee_id: str,
    said: Mapping[str, Any],
    roles: frozenset[str],
) -> Mapping[str, Any]:
    """Oneself, or `hr` with evidence. The same again changes nothing.

    Raises `NotFound`, `Forbidden`, `EvidenceMissing`, `ReasonMissing`, `HasLeft`, `AlreadyAcknowledged`.
    """
    if employee_id != work.actor:
        if "hr" not in roles:
            raise Forbidden
        if said["evidence"] is None:
            raise rules.EvidenceMissing
    if said["declined"] and said["reason"] is None:
        raise rules.ReasonMissing
    person = (await lock_employee(work, employee_id)).person
    if await store.get_policy_version(work, policy_id, number) is None:
        raise NotFound
    if person.status == "left":
        raise rules.HasLeft
    state = "declined" if said["declined"] else "acknowledged"
    known = await store.get_acknowledgement(work, policy_id, number, employee_id)
    if known is not None and known["state"] == "acknowledged":
        if state == "declined":
            raise rules.AlreadyAcknowledged
        return known
    await store.upsert_acknowledgement(
        work,
        {
            "policy_id": policy_id,
            "version": number,
            "employee_id": employee_id,
            "employment_id": person.employment_id,
            "state": state,
            "evidence": said["evidence"],
            "reason": said["reason"] if said["declined"] else None,
        },
    )
    about: dict[str, Any] = {"policy_id": policy_id, "version": number, "state": state}
    work.publish(
        PolicyAcknowledged(employee_id=employee_id, employment_id=person.employment_id, **about),
        JournalEntry(kind="policy.acknowledged", actor_id=work.actor, employee_id=employee_id, details=about),
    )
    made = await store.get_acknowledgement(work, policy_id, number, employee_id)
    assert made is not None  # noqa: S101 - just now
    return made


async def read_policy_version(work: UnitOfWork, policy_id: str, number: int | None) -> Mapping[str, Any]:
    """This version, or the newest. Raises `NotFound`."""
    row = await (
        store.get_newest_policy_version(work, policy_id)
        if number is None
        else store.get_policy_version(work, policy_id, number)
    )
    if row is None:
        raise NotFound
    return row


async def list_policies(work: UnitOfWork, paging: Paging) -> Sequence[Mapping[str, Any]]:
    return await store.list_policies(work, paging, today(work))


async def list_outstanding_employees(
    work: UnitOfWork, policy_id: str, number: int | None, paging: Paging
) -> Sequence[Mapping[str, Any]]:
    """Of this version, or the newest. Raises `NotFound`."""
    version = await read_policy_version(work, policy_id, number)
    return await store.list_outstanding_employees(work, policy_id, version["version"], paging)


# -- again -------------------------------------------------------------------------------------------------------------


async def republish_policy_versions(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await store.list_all_policy_versions(work)
    work.publish(*map(build_policy_published, rows))
    return len(rows), None


async def republish_acknowledgements(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """`after`: the employee and policy of the last one, parted by a line."""
    employee_id, _, policy_id = after.partition("\n")
    rows = await store.list_newest_acknowledgements(work, (employee_id, policy_id), REPUBLISH_BATCH)
    work.publish(*(PolicyAcknowledged(state="acknowledged", **row) for row in rows))
    return len(rows), f"{rows[-1]['employee_id']}\n{rows[-1]['policy_id']}" if rows else None
