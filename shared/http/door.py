"""The caller at the door: token, roles, freeze; and the transaction that a request runs in."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import quote

from fastapi import Depends, Header, Request, Response, Security
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth import ROLES, Principal, Role
from shared.database import UnitOfWork, retry_conflicts, rolled_back_transaction
from shared.errors import Forbidden, IdempotencyKeyInFlight, IdempotencyKeyReused, NoToken, RolesFrozen, Stale
from shared.outbox.idempotency import (
    IdempotencyKey,
    KeptResponse,
    dump_result,
    get_kept_response,
    insert_kept_response,
    try_lock_idempotency_key,
)
from shared.service import Runtime

P = ParamSpec("P")
T = TypeVar("T")

bearer = HTTPBearer(auto_error=False, description="A JWT of the issuer, or of `holdfast token`")


async def _return_result(work: UnitOfWork, result: T) -> T:
    return result


@dataclass
class Door:
    """One request of a known caller. Every effect goes through `transact`, every plain read through `read`."""

    runtime: Runtime
    principal: Principal
    request: Request
    response: Response
    is_frozen: bool = False
    idempotency_key: str | None = None
    transaction_count: int = 0
    request_hash: bytes = b""

    async def transact(
        self, handler: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `handler(work, ...)` in a transaction of its own, again after a deadlock.

        With an `Idempotency-Key` the result is kept in the same transaction, as JSON, and is the answer to every
        repetition. Raises `IdempotencyKeyInFlight`, `IdempotencyKeyReused`, and what the handler raises.
        """
        self.transaction_count = transaction_number = self.transaction_count + 1

        async def act() -> T:
            async with self._unit_of_work() as work:
                if self.idempotency_key is None:
                    return await handler(work, *args, **kwargs)
                kept = await self._get_kept_response(work, transaction_number)
                if kept is not None:
                    self.response.headers["Idempotency-Replayed"] = "true"
                    return kept.restore(handler)
                result = await handler(work, *args, **kwargs)
                await self._keep_response(work, transaction_number, dump_result(handler, result))
                return result

        return await retry_conflicts(act)

    async def run_once(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs what is no transaction of its own. With an `Idempotency-Key` its result is kept as by `transact`."""
        if self.idempotency_key is None:
            return await act()
        async with self._unit_of_work() as work:
            kept = await self._get_kept_response(work, self.transaction_count + 1)
        return await self.transact(_return_result, await act() if kept is None else kept.restore(act))

    async def read(
        self, reader: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `reader(work, ...)` in a transaction that is rolled back."""
        async with self.runtime.database.connect() as connection, rolled_back_transaction(connection):
            work = self.runtime.make_work(connection, self.principal.sub, system=self.principal.system)
            return await reader(work, *args, **kwargs)

    @property
    def idempotency_holder(self) -> str:
        """Whose idempotency keys these are. Answers kept before a freeze are not given out after it."""
        return f"{self.principal.sub} (frozen)" if self.is_frozen else self.principal.sub

    def _unit_of_work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.runtime.unit_of_work(
            self.principal.sub, self.request.scope.get("traceparent"), self.principal.system
        )

    async def _request_hash(self) -> bytes:
        if not self.request_hash:  # once per request: a bulk request has 32 MB and a hundred parts
            url = self.request.url
            digest = hashlib.sha256(f"{self.request.method} {url.path}?{url.query}\n".encode())
            digest.update(await self.request.body())
            self.request_hash = digest.digest()
        return self.request_hash

    async def _get_kept_response(self, work: UnitOfWork, transaction_number: int) -> KeptResponse | None:
        key = IdempotencyKey(self.idempotency_holder, self.idempotency_key or "", transaction_number)
        if not await try_lock_idempotency_key(work, key):
            raise IdempotencyKeyInFlight
        kept = await get_kept_response(work, key)
        if kept is not None and kept.request_hash != await self._request_hash():
            raise IdempotencyKeyReused
        return kept

    async def _keep_response(self, work: UnitOfWork, transaction_number: int, result: str) -> None:
        key = IdempotencyKey(self.idempotency_holder, self.idempotency_key or "", transaction_number)
        await insert_kept_response(work, key, await self._request_hash(), result)

    def check_version(self, version: int) -> None:
        """Raises `Stale` where `If-Match` names another version; sets nothing."""
        wanted = self.request.headers.get("if-match")
        if (
            wanted is not None
            and wanted.strip() != "*"
            and f'"{version}"' not in [tag.strip() for tag in wanted.split(",")]
        ):
            raise Stale

    def set_location(self, *segments: object) -> None:
        """Says where what was created is: `set_location("clients", id)`. Ids may be of any script, a header may not."""
        path = "/".join(quote(str(segment), safe="") for segment in segments)
        self.response.headers["Location"] = f"/{self.runtime.name}/v1/{path}"

    def set_etag(self, version: int) -> None:
        """Gives the answer its `ETag`."""
        self.response.headers["ETag"] = f'"{version}"'


def _refuse_unknown_query(request: Request) -> None:
    """`?dryrun=true` must not transfer, and `?owner=7` not list everything."""
    if request.query_params:
        params = get_flat_params(request.scope["route"].dependant)
        known = {param.alias for param in params if isinstance(param.field_info, Query)}
        faults = [
            {"type": "extra_forbidden", "loc": ("query", name), "msg": "there is no such parameter"}
            for name in sorted(request.query_params.keys() - known)
        ]
        if faults:
            raise RequestValidationError(faults)


def allow(*roles: Role | Literal["anyone"], drop_roles_if_frozen: bool = True) -> Any:
    """The caller must hold one of the roles (`anyone`: any role); a frozen caller holds none but `employee`.

    `drop_roles_if_frozen=False` leaves the question to a route that asks it in its own statement.
    """

    async def open_door(
        request: Request,
        response: Response,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
        idempotency_key: Annotated[str | None, Header(max_length=200, pattern=r"^[\x21-\x7e]+$")] = None,
    ) -> Door:
        if credentials is None:
            raise NoToken
        runtime: Runtime = request.app.state.runtime
        principal = await runtime.keys.authenticate(credentials.credentials)
        frozen, held = False, principal.roles
        if drop_roles_if_frozen:
            async with runtime.database.connect() as connection:
                frozen = await runtime.service.are_roles_frozen(connection, principal.sub)
            if frozen:
                principal = replace(principal, roles=frozenset({"employee"}))
        wanted = ROLES if "anyone" in roles else frozenset(roles)
        if principal.roles.isdisjoint(wanted):
            raise Forbidden(roles=sorted(wanted)) if held.isdisjoint(wanted) else RolesFrozen
        _refuse_unknown_query(request)
        key = idempotency_key if request.method == "POST" else None
        return Door(runtime, principal, request, response, frozen, key)

    return Depends(open_door)
