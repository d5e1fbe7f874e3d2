"""Policies in versions; an acknowledgement binds to exactly one."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.staff.handlers.bodies import hash_of
from services.staff.handlers.employees import one, today
from services.staff.store import departments, policies
from shared.contracts.clients import JournalEntry
from shared.contracts.staff import PolicyAcknowledged, PolicyPublished
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, NotFound, Refused, Unprocessable
from shared.http.fields import Body
from shared.paging import Paging

BATCH = 500


class UnknownDepartment(Unprocessable, code="unknown_department"):
    """`applies_to` names a department that does not exist. Create it first, or leave `applies_to` out: it is for all."""


class BeforeTheOneBefore(Refused, code="before_the_one_before"):
    """A new version cannot come into force before the one that it replaces. Give a later `effective_on`."""


class EvidenceMissing(Unprocessable, code="evidence_missing"):
    """For somebody else, say in `evidence` where the signed paper is."""


class ReasonMissing(Unprocessable, code="reason_missing"):
    """Who declines says why, in `reason`."""


class AlreadyAcknowledged(Refused, code="already_acknowledged"):
    """This version was acknowledged; that cannot be taken back. Declining is for those who have not."""


class HasLeft(Refused, code="has_left"):
    """This person does not work here, so there is nothing to acknowledge."""


async def publish(work: UnitOfWork, policy_id: str, body: Body, *, first: bool) -> Mapping[str, Any]:
    """Version 1 of a new policy (the same again gives the same answer), or the next version of one that exists.

    Raises `Exists`, `NotFound`, `UnknownDepartment`, `BeforeTheOneBefore`.
    """
    await policies.lock(work, policy_id)
    newest = await policies.newest(work, policy_id)
    body_hash = hash_of(body)
    if newest is None and not first:
        raise NotFound
    if newest is not None and first:
        one = await policies.version(work, policy_id, 1)
        if one is None or one["body_hash"] != body_hash.hex():
            raise Exists
        return one
    row = {**body.model_dump(mode="python", exclude={"id"}), "published_on": today(work), "body_hash": body_hash}
    row["effective_on"] = row["effective_on"] or today(work)
    if set(row["applies_to"]) - set(await departments.known(work, row["applies_to"])):
        raise UnknownDepartment
    if newest is not None and row["effective_on"] < newest["effective_on"]:
        raise BeforeTheOneBefore
    number = newest["version"] + 1 if newest else 1
    await policies.publish(work, policy_id, number, row)
    made = await policies.version(work, policy_id, number)
    assert made is not None  # noqa: S101 - just now
    work.publish(published(made))
    work.publish(
        JournalEntry(kind="policy.published", actor_id=work.actor, details={"policy_id": policy_id, "version": number})
    )
    return made


def published(row: Mapping[str, Any]) -> PolicyPublished:
    return PolicyPublished(
        policy_id=row["id"],
        **{
            name: row[name]
            for name in ("version", "published_on", "effective_on", "grace_days", "required_for_access", "applies_to")
        },
    )


async def acknowledge(
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
            raise EvidenceMissing
    if said["declined"] and said["reason"] is None:
        raise ReasonMissing
    person = (await one(work, employee_id)).person
    if await policies.version(work, policy_id, number) is None:
        raise NotFound
    if person.status == "left":
        raise HasLeft
    state = "declined" if said["declined"] else "acknowledged"
    known = await policies.acknowledgement(work, policy_id, number, employee_id)
    if known is not None and known["state"] == "acknowledged":
        if state == "declined":
            raise AlreadyAcknowledged
        return known
    await policies.acknowledge(
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
    made = await policies.acknowledgement(work, policy_id, number, employee_id)
    assert made is not None  # noqa: S101 - just now
    return made


async def read(work: UnitOfWork, policy_id: str, number: int | None) -> Mapping[str, Any]:
    """This version, or the newest. Raises `NotFound`."""
    row = await (policies.newest(work, policy_id) if number is None else policies.version(work, policy_id, number))
    if row is None:
        raise NotFound
    return row


async def some(work: UnitOfWork, paging: Paging) -> Sequence[Mapping[str, Any]]:
    return await policies.some(work, paging, today(work))


async def outstanding(
    work: UnitOfWork, policy_id: str, number: int | None, paging: Paging
) -> Sequence[Mapping[str, Any]]:
    """Of this version, or the newest. Raises `NotFound`."""
    version = await read(work, policy_id, number)
    return await policies.outstanding(work, policy_id, version["version"], paging)


# -- again -------------------------------------------------------------------------------------------------------------


async def republish_versions(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    rows = await policies.every_version(work)
    work.publish(*map(published, rows))
    return len(rows), None


async def republish_acknowledgements(work: UnitOfWork, after: str) -> tuple[int, str | None]:
    """`after`: the employee and policy of the last one, parted by a line."""
    employee_id, _, policy_id = after.partition("\n")
    rows = await policies.every_acknowledgement(work, (employee_id, policy_id), BATCH)
    work.publish(*(PolicyAcknowledged(state="acknowledged", **row) for row in rows))
    return len(rows), f"{rows[-1]['employee_id']}\n{rows[-1]['policy_id']}" if rows else None
