"""Calls of clients: whom to ring."""

from services.clients.journal.store import insert_journal_entry
from services.clients.register.rules import build_phone_queries
from services.clients.routing import store
from shared.database import UnitOfWork
from shared.errors import Unprocessable


class NotAPhoneNumber(Unprocessable, code="no_number"):
    """A phone number has at least seven digits, for example `+4930901820` (in an address the plus is `%2B`)."""


async def route_call(work: UnitOfWork, phone: str, function: str | None) -> store.CallRoute:
    """The client who calls from this number and whose phones ring, in order. Raises `NotAPhoneNumber`."""
    queries = build_phone_queries(phone)
    if queries is None:
        raise NotAPhoneNumber
    route = await store.get_call_route(work, *queries, function) or store.CallRoute(None, [], "unknown_client")
    await insert_journal_entry(
        work,
        "client.routed",
        action="contact",
        reason={"function": "team", "last_resort": None}.get(route.reason, route.reason),
        client_id=route.client_id,
        employees=route.ring,
        details={"ring": route.reason},
    )
    return route
