"""Erasing who an employee was, as `staff` says; and who a client was, or a person there, as those say who may."""

from collections.abc import Mapping
from typing import Any

from services.clients.access.handlers import lock_with_actor
from services.clients.erasure import store
from services.clients.freezes.handlers import on_employee_changed
from services.clients.holdings.store.owners import lock_clients
from services.clients.journal.store.entries import insert_journal_entry
from services.clients.legal_holds.store import get_legal_hold
from services.clients.names.handlers import accept_any_client_id
from services.clients.names.store import list_ids_merged_into
from services.clients.register.handlers import announce_changed_clients
from services.clients.register.rules import get_contact_details, mentions_person
from services.clients.register.store import list_profiles
from shared.contracts.clients import ClientErased, ContactErased, ErasureDone
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.messages import Envelope
from shared.outbox.answers import delete_kept_answers
from shared.people.store import erase_ground_reasons, lock_people
from shared.service import Runtime

UNKNOWN_CLIENT = {"refused": "unknown_client"}


class ClientInHandover(Refused, code="in_handover"):
    """This client is being handed over. Erase it when the case is closed; a contact of it can be erased at any time."""


class ReasonNamesPerson(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must name nobody. Say it without name, address and number."""


class UnderLegalHold(Refused, code="held_by_law"):
    """Somebody who was responsible for this client is under a legal hold. Erase it when the hold has ended."""


async def on_employee_erased(work: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Who is locked here writes nothing more; what others still write about an id comes under a new surrogate.

    Where a legal hold is in force, the journal keeps who this is until it ends.
    """
    id = envelope.data.employee_id
    await lock_people(work, changing=[id])
    await on_employee_changed(work, envelope)
    held = await get_legal_hold(work, id) is not None
    what = await store.erase_employee(work, id)
    what["reasons"] += await erase_ground_reasons(work, id)
    what["kept_answers"] = await delete_kept_answers(work, id)
    await insert_journal_entry(work, "employee.erased", employee_id=id, details={"service": work.service, **what})
    await store.upsert_erasure(work, "employee", id, what, held=held)
    await store.delete_erased_surrogates(work)
    work.publish(ErasureDone(employee_id=id, what=what, held=held))


async def delete_erased_surrogates(runtime: Runtime) -> bool:
    """Ticker: the net under entries that were on their way."""
    await runtime.transact(store.delete_erased_surrogates)
    return False


@accept_any_client_id
async def erase_client(work: UnitOfWork, client_id: str, reason: str) -> Mapping[str, Any]:
    """The act of it, or a refusal; again gives the same. What was merged into it is erased with it.

    Raises `InHandover`, `HeldByLaw`, `ReasonNamesThem`.
    """
    await lock_with_actor(work)
    if client_id not in await lock_clients(work, [client_id]):
        return UNKNOWN_CLIENT
    known = await store.get_erasure(work, "client", client_id)
    if known is not None:
        return known
    if await store.is_client_in_handover(work, client_id):
        raise ClientInHandover
    merged = await list_ids_merged_into(work, client_id)
    if await store.exists_legal_hold_on_owners(work, [client_id, *merged]):
        raise UnderLegalHold
    profile = (await list_profiles(work, [client_id]))[client_id]
    if mentions_person(
        reason, [profile["name"], *(word for contact in profile["contacts"] for word in get_contact_details(contact))]
    ):
        raise ReasonNamesPerson
    what = await store.erase_client(work, client_id, merged)
    what["kept_answers"] = await delete_kept_answers(work, client_id, *merged)
    leaf = await insert_journal_entry(work, "client.erased", details={"service": work.service, **what})
    await store.update_history_of_erased_client(work, client_id, merged, leaf)
    await store.upsert_erasure(work, "client", client_id, what, reason=reason)
    work.publish(ClientErased(client_id=client_id, merged_ids=merged))
    await announce_changed_clients(work, client_id)
    return await store.get_erasure(work, "client", client_id) or {}


@accept_any_client_id
async def erase_contact(work: UnitOfWork, client_id: str, contact_id: str, reason: str) -> Mapping[str, Any]:
    """Never refused, whoever is frozen and whatever case is open; again gives the same.

    Raises `NotFound`, and `ReasonNamesThem`.
    """
    await lock_with_actor(work)
    if client_id not in await lock_clients(work, [client_id]):
        return UNKNOWN_CLIENT
    known = await store.get_erasure(work, "contact", client_id, contact_id)
    merged = await list_ids_merged_into(work, client_id)
    profile = (await list_profiles(work, [client_id])).get(client_id, {"contacts": []})
    if any(
        one["id"] == contact_id and mentions_person(reason, get_contact_details(one)) for one in profile["contacts"]
    ):
        raise ReasonNamesPerson
    what = await store.erase_contact(work, client_id, merged, contact_id)
    if not what["contacts"]:
        if known is None:
            raise NotFound
        return known
    what["kept_answers"] = await delete_kept_answers(work, client_id, *merged)
    await insert_journal_entry(work, "contact.erased", client_id=client_id, details={"service": work.service, **what})
    await store.upsert_erasure(work, "contact", client_id, what, part=contact_id, reason=reason)
    work.publish(ContactErased(client_id=client_id, merged_ids=merged, contact_id=contact_id))
    return await store.get_erasure(work, "contact", client_id, contact_id) or {}
