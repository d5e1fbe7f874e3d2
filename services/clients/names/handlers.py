"""A client may be named by its id in another system, or by the id of one that was merged into it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from services.clients.names import store
from shared.database import UnitOfWork
from shared.errors import Refused

P = ParamSpec("P")
T = TypeVar("T")


def accept_any_client_id(
    handler: Callable[Concatenate[UnitOfWork, str, P], Awaitable[T]],
) -> Callable[Concatenate[UnitOfWork, str, P], Coroutine[Any, Any, T]]:
    """The handler of one client, for any of its ids. A plain id costs nothing more, unless no client has it."""

    @wraps(handler)
    async def named(work: UnitOfWork, ref: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        plain = "~" not in ref
        result = await handler(work, ref if plain else await store.get_client_id(work, ref), *args, **kwargs)
        if plain and _is_unknown(result) and (into := await store.get_client_id(work, ref)) != ref:
            return await handler(work, into, *args, **kwargs)
        return result

    return named


def _is_unknown(result: Any) -> bool:
    return isinstance(result, Mapping) and result.get("refused") == "unknown_client"


class ExternalIdTaken(Refused, code="external_id_taken"):
    """Another client has this id in the system that is named."""


async def claim_external_ids(
    work: UnitOfWork, client_id: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Takes over what other systems call a client. Raises `ExternalIdTaken`."""
    taken = await store.update_external_ids(work, {client_id: (before, after)})
    if taken:
        raise ExternalIdTaken(system=taken[client_id])
