"""Calls of clients: whom to ring."""

from collections.abc import Mapping
from typing import Any

from services.clients.domain import search
from services.clients.store import journal, routing
from shared.database import UnitOfWork
from shared.errors import Unprocessable

UNKNOWN: Mapping[str, Any] = {"client_id": None, "ring": [], "reason": "unknown_client"}


class NoNumber(Unprocessable, code="no_number"):
    """A phone number has at least seven digits, for example `+4930901820` (in an address the plus is `%2B`)."""


async def route(work: UnitOfWork, phone: str, function: str | None) -> Mapping[str, Any]:
    """The client who calls from this number and whose phones ring, in order. Raises `NoNumber`."""
    wanted = search.of_phone(phone)
    if wanted is None:
        raise NoNumber
    found = await routing.ring(work, *wanted, function) or UNKNOWN
    reason = {"function": "team", "last_resort": None}.get(found["reason"], found["reason"])
    about = {"client_id": found["client_id"], "employees": found["ring"], "details": {"ring": found["reason"]}}
    await journal.write(work, "client.routed", action="contact", reason=reason, **about)
    return found
