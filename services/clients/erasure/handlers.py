"""Erasing who an employee was, as `staff` says; and who a client was, or a person there, as those say who may."""

from services.clients.access.handlers import lock_people_and_require_active_actor, make_refusal
from services.clients.erasure import store
from services.clients.export_limits.store import erase_export_counts, erase_grant_reasons
from services.clients.freezes.handlers import on_employee_event
from services.clients.freezes.store import erase_lifting_reasons
from services.clients.holdings.store import owners
from services.clients.imports.store import delete_digests
from services.clients.journal.store import insert_journal_entry
from services.clients.names.handlers import with_resolved_client_id
from services.clients.names.store import (
    delete_surrogates_of_erased_employees,
    erase_names,
    insert_surrogate_of_client,
    list_ids_merged_into,
)
from services.clients.register.handlers import announce_changed_clients
from services.clients.register.rules import mentions_person
from services.clients.register.store import delete_contact, erase_profile, list_profiles
from services.clients.relationships.store import erase_texts_naming, erase_texts_of_client, erase_texts_of_employee
from services.clients.usage.store import erase_usage_of_employee
from shared.contracts.clients import ClientErased, ContactErased, ErasureDone
from shared.contracts.staff import EmployeeEvent
from shared.database import UnitOfWork
from shared.errors import NotFound, Refused, Unprocessable
from shared.messages import Envelope
from shared.outbox.idempotency import delete_kept_responses_to_or_mentioning
from shared.people.store import erase_ground_reasons, lock_people
from shared.service import Runtime


class ClientInHandover(Refused, code="in_handover"):
    """This client is being handed over. Erase it when the case is closed; a contact of it can be erased at any time."""


class ReasonNamesPerson(Unprocessable, code="reason_names_them"):
    """The reason is kept with the act of the erasure, so it must name nobody. Say it without name, address and number."""


class OwnerUnderLegalHold(Refused, code="held_by_law"):
    """Somebody who was responsible for this client is under a legal hold. Erase it when the hold has ended."""


async def on_employee_erased(work: UnitOfWork, envelope: Envelope[EmployeeEvent]) -> None:
    """Who is locked here writes nothing more; what others still write about an id comes under a new surrogate.

    Where a legal hold is in force, the journal keeps who this is until it ends.
    """
    id = envelope.data.employee_id
    await lock_people(work, for_update=[id])
    await on_employee_event(work, envelope)
    held = await store.exists_legal_hold(work, id)
    reasons = (
        await owners.erase_reasons_of_employee(work, id)
        + await erase_lifting_reasons(work, id)
        + await erase_grant_reasons(work, id)
        + await erase_ground_reasons(work, id)
    )
    what = {
        **await erase_texts_of_employee(work, id),
        "reasons": reasons,
        "usage": await erase_usage_of_employee(work, id) + await erase_export_counts(work, id),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, id),
    }
    await insert_journal_entry(work, "employee.erased", employee_id=id, details={"service": work.service, **what})
    await store.upsert_erasure(work, "employee", id, what, is_held_by_law=held)
    await delete_surrogates_of_erased_employees(work)
    work.publish(ErasureDone(employee_id=id, what=what, held=held))


async def delete_surrogates_made_after_erasure(runtime: Runtime) -> bool:
    """By the clock: the net under entries that were on their way when somebody was erased."""
    await runtime.transact(delete_surrogates_of_erased_employees)
    return False


@with_resolved_client_id
async def erase_client(work: UnitOfWork, client_id: str, reason: str) -> store.Erasure:
    """The act of it; again gives the same. What was merged into it is erased with it.

    Raises a `JournaledRefusal`, `ClientInHandover`, `OwnerUnderLegalHold`, `ReasonNamesPerson`.
    """
    await lock_people_and_require_active_actor(work)
    if client_id not in await owners.lock_clients(work, [client_id]):
        raise make_refusal("unknown_client")
    known = await store.get_erasure(work, "client", client_id)
    if known is not None:
        return known
    if await store.is_client_in_handover(work, client_id):
        raise ClientInHandover
    merged_ids = await list_ids_merged_into(work, client_id)
    ids = [client_id, *merged_ids]
    if await store.exists_legal_hold_on_owners(work, ids):
        raise OwnerUnderLegalHold
    profile = (await list_profiles(work, [client_id]))[client_id]
    if mentions_person(reason, [profile.name, *(word for contact in profile.contacts for word in contact.details)]):
        raise ReasonNamesPerson
    what = {
        "profile": 1,
        "contacts": len(profile.contacts),
        "external_ids": await erase_names(work, client_id, merged_ids),
        **await erase_texts_of_client(work, client_id),
        "reasons": await owners.count_reasons(work, ids),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, *ids),
    }
    await erase_profile(work, client_id)
    await delete_digests(work, client_id)
    await owners.renew_surrogate(work, client_id)
    leaf = await insert_journal_entry(work, "client.erased", details={"service": work.service, **what})
    await insert_surrogate_of_client(work, client_id)
    await owners.erase_reasons_and_relink_history(work, ids, leaf)
    work.publish(ClientErased(client_id=client_id, merged_ids=merged_ids))
    await announce_changed_clients(work, client_id)
    return await store.upsert_erasure(work, "client", client_id, what, reason=reason)


@with_resolved_client_id
async def erase_contact(work: UnitOfWork, client_id: str, contact_id: str, reason: str) -> store.Erasure:
    """Never refused, whoever is frozen and whatever case is open; again gives the same.

    Raises a `JournaledRefusal`, `NotFound`, `ReasonNamesPerson`.
    """
    await lock_people_and_require_active_actor(work)
    if client_id not in await owners.lock_clients(work, [client_id]):
        raise make_refusal("unknown_client")
    known = await store.get_erasure(work, "contact", client_id, contact_id)
    merged_ids = await list_ids_merged_into(work, client_id)
    profile = (await list_profiles(work, [client_id]))[client_id]
    if any(one.id == contact_id and mentions_person(reason, one.details) for one in profile.contacts):
        raise ReasonNamesPerson
    words = await delete_contact(work, client_id, contact_id)
    if words is None:
        if known is None:
            raise NotFound
        return known
    what = {
        "contacts": 1,
        **await erase_texts_naming(work, client_id, words),
        "reasons": await owners.erase_reasons_naming(work, [client_id, *merged_ids], words),
        "kept_answers": await delete_kept_responses_to_or_mentioning(work, client_id, *merged_ids),
    }
    await delete_digests(work, client_id, contact_id)
    await owners.increment_versions(work, [client_id])
    await insert_journal_entry(work, "contact.erased", client_id=client_id, details={"service": work.service, **what})
    work.publish(ContactErased(client_id=client_id, merged_ids=merged_ids, contact_id=contact_id))
    return await store.upsert_erasure(work, "contact", client_id, what, contact_id=contact_id, reason=reason)
