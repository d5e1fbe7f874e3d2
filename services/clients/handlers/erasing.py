"""Erasing who an employee was, as `staff` says; and who a client was, or a person there, as those say who may."""

from collections.abc import Mapping
from typing import Any

from services.clients.domain.contacts import names, said
from services.clients.handlers.acting import lock_with_actor
from services.clients.handlers.clients import announce_changed
from services.clients.handlers.freezes import hear_employee
from services.clients.handlers.naming import by_any_id
from services.clients.store import archive, clients, erasures, journal, profiles
from shared.contracts.clients import ClientErased, ContactErased, ErasureDone
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.people.store import erase_ground_reasons, lock_people
from shared.service import Runtime

UNKNOWN = {"refused": "unknown_client"}


class InHandover(Refused, code="in_handover"):
    """This client is being handed over. Erase it when the case is closed; a contact of it can be erased at any time."""


class ReasonNamesThem(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must name nobody. Say it without name, address and number."""


class HeldByLaw(Refused, code="held_by_law"):
    """Somebody who was responsible for this client is under a legal hold. Erase it when the hold has ended."""


async def hear_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Who is locked here writes nothing more; what others still write about an id comes under a new surrogate.

    Where a legal hold is in force, the journal keeps who this is until it ends.
    """
    id = envelope.data.employee_id
    await lock_people(work, changing=[id])
    await hear_employee(work, envelope)
    held = await archive.held(work, id) is not None
    what = await erasures.erase_employee(work, id)
    what["reasons"] += await erase_ground_reasons(work, id)
    what["kept_answers"] = await delete_kept_answers(work, id)
    await journal.write(work, "employee.erased", employee_id=id, details={"service": work.service, **what})
    await erasures.note(work, "employee", id, what, held=held)
    await erasures.forget_surrogates(work)
    work.publish(ErasureDone(employee_id=id, what=what, held=held))


async def forget_surrogates(runtime: Runtime) -> bool:
    """Ticker: the net under entries that were on their way."""
    await runtime.transact(erasures.forget_surrogates)
    return False


@by_any_id
async def erase_client(work: UnitOfWork, client_id: str, reason: str) -> Mapping[str, Any]:
    """The act of it, or a refusal; again gives the same. What was merged into it is erased with it.

    Raises `InHandover`, `HeldByLaw`, `ReasonNamesThem`.
    """
    await lock_with_actor(work)
    if client_id not in await clients.lock(work, [client_id]):
        return UNKNOWN
    known = await erasures.act(work, "client", client_id)
    if known is not None:
        return known
    if await erasures.in_handover(work, client_id):
        raise InHandover
    merged = await erasures.merged_into(work, client_id)
    if await archive.client_of_held(work, [client_id, *merged]):
        raise HeldByLaw
    profile = (await profiles.these(work, [client_id]))[client_id]
    if names(reason, [profile["name"], *(word for contact in profile["contacts"] for word in said(contact))]):
        raise ReasonNamesThem
    what = await erasures.erase_client(work, client_id, merged)
    what["kept_answers"] = await delete_kept_answers(work, client_id, *merged)
    leaf = await journal.write(work, "client.erased", details={"service": work.service, **what})
    await erasures.cut_loose(work, client_id, merged, leaf)
    await erasures.note(work, "client", client_id, what, reason=reason)
    work.publish(ClientErased(client_id=client_id, merged_ids=merged))
    await announce_changed(work, client_id)
    return await erasures.act(work, "client", client_id) or {}


@by_any_id
async def erase_contact(work: UnitOfWork, client_id: str, contact_id: str, reason: str) -> Mapping[str, Any]:
    """Never refused, whoever is frozen and whatever case is open; again gives the same.

    Raises `NotFound`, and `ReasonNamesThem`.
    """
    await lock_with_actor(work)
    if client_id not in await clients.lock(work, [client_id]):
        return UNKNOWN
    known = await erasures.act(work, "contact", client_id, contact_id)
    merged = await erasures.merged_into(work, client_id)
    profile = (await profiles.these(work, [client_id])).get(client_id, {"contacts": []})
    if any(one["id"] == contact_id and names(reason, said(one)) for one in profile["contacts"]):
        raise ReasonNamesThem
    what = await erasures.erase_contact(work, client_id, merged, contact_id)
    if not what["contacts"]:
        if known is None:
            raise NotFound
        return known
    what["kept_answers"] = await delete_kept_answers(work, client_id, *merged)
    await journal.write(work, "contact.erased", client_id=client_id, details={"service": work.service, **what})
    await erasures.note(work, "contact", client_id, what, part=contact_id, reason=reason)
    work.publish(ContactErased(client_id=client_id, merged_ids=merged, contact_id=contact_id))
    return await erasures.act(work, "contact", client_id, contact_id) or {}
