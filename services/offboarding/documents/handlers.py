"""The inventory of working documents: listed, handed over, and signed for by who receives them."""

from collections.abc import Mapping
from typing import Any

from services.offboarding.assignees.store import get_main_successor, get_manager
from services.offboarding.cases.store import insert_timeline_entry
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import get_visible_case, is_head_of_case
from shared.database import UnitOfWork
from shared.errors import Exists, Forbidden, NotFound, Refused
from shared.people.rules import require_able_to_own
from shared.people.store import lock_people

COMPARED_FIELDS = ("case_id", "title", "kind", "location", "client_id")


class NotHandedOver(Refused, code="not_handed_over"):
    """This document has not been handed over yet: first `hand_over` by the leaver, then `receive`."""


class CaseClosed(Refused, code="case_closed"):
    """This case is closed."""


async def list_document(work: UnitOfWork, viewer: Viewer, case_id: str, document: Mapping[str, Any]) -> Row:
    """A line of the inventory. Raises `NotFound`, `Forbidden`, `CaseClosed`, `Exists`."""
    row = await get_visible_case(work, viewer, case_id)
    if (
        row["employee_id"] != viewer.sub
        and "hr" not in viewer.roles
        and not await is_head_of_case(work, viewer, case_id)
    ):
        raise Forbidden
    await lock_participants(work, frozen_too=True)
    if row["status"] not in ("open", "needs_person"):
        raise CaseClosed
    added = await work.fetch_row(
        """
        INSERT INTO documents (id, case_id, title, kind, location, client_id, status, listed_by, listed_at)
        VALUES (:id, :case_id, :title, :kind, :location, :client_id, 'listed', :actor, :now)
        ON CONFLICT (id) DO NOTHING RETURNING *
        """,
        **document,
        case_id=case_id,
        actor=work.actor,
        now=work.now,
    )
    if added is not None:
        return added
    known = await work.fetch_row("SELECT * FROM documents WHERE id = :id", id=document["id"])
    if known is None or any(known[name] != {**document, "case_id": case_id}[name] for name in COMPARED_FIELDS):
        raise Exists
    return known


async def hand_over_document(work: UnitOfWork, viewer: Viewer, document_id: str, receiver_id: str | None) -> Row:
    """The leaver (or the head of sales for them) gives it to `receiver_id`, else to the successor, else to the manager.

    Raises `UnknownEmployee`, `NotEmployed`, `Frozen` where the receiver could not take it.
    """
    named = await lock_people(work, holding=[receiver_id])
    document, head = await _lock_document(work, viewer, document_id)
    if not head and viewer.sub != document["employee_id"]:
        raise Forbidden
    if document["status"] != "listed":
        return document
    if receiver_id is not None:
        require_able_to_own(named, receiver_id)
    receiver = receiver_id or await get_main_successor(work, document["case_id"])
    receiver = receiver or await get_manager(work, document["employee_id"])
    await work.execute(
        "UPDATE documents SET status = 'handed_over', receiver_id = :receiver, handed_over_at = :now WHERE id = :id",
        id=document_id,
        receiver=receiver,
        now=work.now,
    )
    return (await _lock_document(work, viewer, document_id))[0]


async def receive_document(work: UnitOfWork, viewer: Viewer, document_id: str) -> Row:
    """The receiver signs. Raises `NotHandedOver`; nobody signs for their own documents."""
    document, head = await _lock_document(work, viewer, document_id)
    if viewer.sub == document["employee_id"] or (not head and viewer.sub != document["receiver_id"]):
        raise Forbidden
    if document["status"] == "listed":
        raise NotHandedOver
    if document["status"] == "handed_over":
        await work.execute(
            "UPDATE documents SET status = 'received', received_at = :now, received_by = :actor WHERE id = :id",
            id=document_id,
            now=work.now,
            actor=work.actor,
        )
        await insert_timeline_entry(
            work, document["case_id"], "document_received", "hand_over", document_id=document_id
        )
    return (await _lock_document(work, viewer, document_id))[0]


async def _lock_document(work: UnitOfWork, viewer: Viewer, document_id: str) -> tuple[Row, bool]:
    await lock_participants(work, frozen_too=True)
    document = await work.fetch_row(
        """
        SELECT d.*, c.employee_id FROM documents d JOIN cases c ON c.id = d.case_id WHERE d.id = :id FOR UPDATE OF d
        """,
        id=document_id,
    )
    if document is None:
        raise NotFound
    head = await is_head_of_case(work, viewer, document["case_id"])
    if not head and viewer.sub not in (document["employee_id"], document["receiver_id"]):
        raise NotFound
    return document, head
