"""Calls of clients: whom to ring."""

from collections.abc import Mapping
from typing import Any

from services.clients.journal.store.entries import insert_journal_entry
from services.clients.register.rules import build_phone_queries
from services.clients.routing import store
from shared.database import UnitOfWork
from shared.errors import Unprocessable

UNKNOWN_CALLER: Mapping[str, Any] = {"client_id": None, "ring": [], "reason": "unknown_client"}


class NotAPhoneNumber(Unprocessable, code="no_number"):
    """A phone number has at least seven digits, for example `+4930901820` (in an address the plus is `%2B`)."""


async def route_call(work: UnitOfWork, phone: str, function: str | None) -> Mapping[str, Any]:
    """The client who calls from this number and whose phones ring, in order. Raises `NoNumber`."""
    wanted = build_phone_queries(phone)
    if wanted is None:
        raise NotAPhoneNumber
    found = await store.get_call_route(work, *wanted, function) or UNKNOWN_CALLER
    reason = {"function": "team", "last_resort": None}.get(found["reason"], found["reason"])
    about = {"client_id": found["client_id"], "employees": found["ring"], "details": {"ring": found["reason"]}}
    await insert_journal_entry(work, "client.routed", action="contact", reason=reason, **about)
    return found
