"""A client may be named by its id in another system, or by the id of one that was merged into it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from services.clients.names import store
from shared.database import UnitOfWork
from shared.errors import JournaledRefusal, NotFound, Refused

P = ParamSpec("P")
T = TypeVar("T")


class ClientNotFound(NotFound, code="not_found"):
    """There is no such object, or you may not know about it."""


def with_resolved_client_id(
    handler: Callable[Concatenate[UnitOfWork, str, P], Awaitable[T]],
) -> Callable[Concatenate[UnitOfWork, str, P], Coroutine[Any, Any, T]]:
    """A decorator: the handler of one client, for any of its ids. A plain id costs nothing more, unless no client has it."""

    @wraps(handler)
    async def handle_any_id(work: UnitOfWork, ref: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if "~" in ref:
            return await handler(work, await store.get_client_id_or_ref(work, ref), *args, **kwargs)
        try:
            return await handler(work, ref, *args, **kwargs)
        except JournaledRefusal as refused:
            if not isinstance(refused.refusal, ClientNotFound):
                raise
            client_id = await store.get_client_id_or_ref(work, ref)
            if client_id == ref:
                raise
        return await handler(work, client_id, *args, **kwargs)

    return handle_any_id


class ExternalIdTaken(Refused, code="external_id_taken"):
    """Another client has this id in the system that is named."""


async def change_external_ids(
    work: UnitOfWork, client_id: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Changes what other systems call a client: claims the new ids, gives up the others. Raises `ExternalIdTaken`."""
    taken = await store.update_external_ids_and_list_taken(work, {client_id: (before, after)})
    if taken:
        raise ExternalIdTaken(system=taken[client_id])
