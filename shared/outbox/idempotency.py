"""Kept responses to requests with an `Idempotency-Key`: one row for each part of a request, in the transaction of its effect."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, get_type_hints

from pydantic import TypeAdapter

from shared.database import UnitOfWork

T = TypeVar("T")

DELETE_KEPT_RESPONSES = """
    DELETE FROM idempotency_keys k WHERE principal = ANY(:ids) OR principal = ANY(:frozen)
    OR EXISTS (SELECT 1 FROM unnest(CAST(:ids AS text[])) AS gone (id)
               WHERE position('"' || gone.id || '"' IN CAST(k.result AS text)) > 0)
"""


class IdempotencyKey(NamedTuple):
    """Whose key it is, and which of the transactions of the request, counted from 1."""

    holder: str
    key: str
    transaction_number: int


@dataclass(frozen=True)
class KeptResponse:
    """What a request with this `Idempotency-Key` was answered, as JSON."""

    request_hash: bytes
    result: Any

    def restore(self, handler: Callable[..., Awaitable[T]]) -> T:
        """The result as `handler` says that it returns it; as JSON where it says nothing."""
        adapter: TypeAdapter[T] = _get_result_adapter(handler)
        return adapter.validate_python(self.result)


def _get_result_adapter(handler: Callable[..., Awaitable[T]]) -> TypeAdapter[T]:
    return _build_adapter(get_type_hints(handler).get("return", Any) if hasattr(handler, "__annotations__") else Any)


@lru_cache(maxsize=1000)
def _build_adapter(shape: Any) -> TypeAdapter[Any]:
    """Kept by the type and not by the handler: a handler made for one request would never be asked for again."""
    return TypeAdapter(shape)


def dump_result(handler: Callable[..., Awaitable[T]], result: T) -> str:
    """A result of `handler` as JSON that `restore` makes the same of."""
    return _get_result_adapter(handler).dump_json(result, warnings=False).decode()


async def try_lock_idempotency_key(work: UnitOfWork, key: IdempotencyKey) -> bool:
    """False while another transaction works on the same request."""
    name = f"{key.holder}\n{key.key}\n{key.transaction_number}"
    return bool(await work.fetch_value("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))", name=name))


async def get_kept_response(work: UnitOfWork, key: IdempotencyKey) -> KeptResponse | None:
    return await work.fetch_one(
        KeptResponse,
        "SELECT request_hash, result FROM idempotency_keys WHERE principal = :holder AND key = :key AND part = :transaction_number",
        **key._asdict(),
    )


async def insert_kept_response(work: UnitOfWork, key: IdempotencyKey, request_hash: bytes, result: str) -> None:
    """Keeps `result`, which is JSON."""
    await work.execute(
        """
        INSERT INTO idempotency_keys (principal, key, part, request_hash, result)
        VALUES (:holder, :key, :transaction_number, :hash, CAST(:result AS jsonb))
        """,
        **key._asdict(),
        hash=request_hash,
        result=result,
    )


async def delete_kept_responses_to_or_mentioning(work: UnitOfWork, *ids: str) -> int:
    """Deletes all that were given to one of these or mention it; how many. The rest goes after 7 days by itself."""
    return await work.execute(DELETE_KEPT_RESPONSES, ids=list(ids), frozen=[f"{id} (frozen)" for id in ids])
