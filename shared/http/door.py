"""The caller at the door: token, roles, freeze; and the transaction that a request runs in."""

import asyncio
import hashlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import quote

import asyncpg
from fastapi import Depends, Header, Request, Response, Security
from fastapi.dependencies.utils import get_flat_params
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth import ROLES, Principal, Role
from shared.database import ATTEMPTS, RETRIED, UnitOfWork, rolled_back, sqlstate, unit_of_work
from shared.errors import Forbidden, IdempotencyKeyInFlight, IdempotencyKeyReused, NoToken, RolesFrozen, Stale
from shared.service import Runtime

P = ParamSpec("P")
T = TypeVar("T")

bearer = HTTPBearer(auto_error=False, description="A JWT of the issuer, or of `holdfast token`")


async def _result(work: UnitOfWork, result: T) -> T:
    return result


@dataclass
class Door:
    """One request of a known caller. Every effect goes through `transact`, every plain read through `read`."""

    runtime: Runtime
    principal: Principal
    request: Request
    response: Response
    frozen: bool = False
    idempotency_key: str | None = None
    parts: int = field(default=0)
    request_hash: bytes = b""

    async def transact(
        self, handler: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `handler(work, ...)` in a transaction of its own, again after a deadlock.

        With an `Idempotency-Key` the result is kept in the same transaction, as JSON, and is the answer to every
        repetition. Raises `IdempotencyKeyInFlight`, `IdempotencyKeyReused`, and what the handler raises.
        """
        self.parts = part = self.parts + 1
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._work() as work:
                    if self.idempotency_key is None:
                        return await handler(work, *args, **kwargs)
                    kept = await self._kept(work, part)
                    if kept is not None:
                        self.response.headers["Idempotency-Replayed"] = "true"
                        return kept["result"]  # type: ignore[no-any-return]
                    result = await handler(work, *args, **kwargs)
                    await self._keep(work, part, result)
                    return result
            except asyncpg.PostgresError as error:
                if sqlstate(error) not in RETRIED or attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")

    async def once(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs what is no transaction of its own. With an `Idempotency-Key` its result is kept as by `transact`."""
        if self.idempotency_key is None:
            return await act()
        async with self._work() as work:
            kept = await self._kept(work, self.parts + 1)
        return await self.transact(_result, await act() if kept is None else kept["result"])

    async def read(
        self, reader: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `reader(work, ...)` in a transaction that is rolled back."""
        async with self.runtime.database.connect() as connection, rolled_back(connection):
            work = UnitOfWork(
                connection,
                self.runtime.settings,
                self.runtime.service.name,
                self.runtime.clock(),
                self.principal.sub,
                system=self.principal.system,
            )
            return await reader(work, *args, **kwargs)

    @property
    def holder(self) -> str:
        """Whose idempotency keys these are. Answers kept before a freeze are not given out after it."""
        return f"{self.principal.sub} (frozen)" if self.frozen else self.principal.sub

    def _work(self) -> Any:
        return unit_of_work(
            self.runtime,
            self.principal.sub,
            traceparent=self.request.scope.get("traceparent"),
            system=self.principal.system,
        )

    async def _request_hash(self) -> bytes:
        if not self.request_hash:  # once per request: a bulk request has 32 MB and a hundred parts
            url = self.request.url
            digest = hashlib.sha256(f"{self.request.method} {url.path}?{url.query}\n".encode())
            digest.update(await self.request.body())
            self.request_hash = digest.digest()
        return self.request_hash

    async def _kept(self, work: UnitOfWork, part: int) -> Any:
        name = f"{self.holder}\n{self.idempotency_key}\n{part}"
        if not await work.scalar("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))", name=name):
            raise IdempotencyKeyInFlight
        row = await work.row(
            "SELECT request_hash, result FROM idempotency_keys WHERE principal = :sub AND key = :key AND part = :part",
            sub=self.holder,
            key=self.idempotency_key,
            part=part,
        )
        if row is not None and bytes(row["request_hash"]) != await self._request_hash():
            raise IdempotencyKeyReused
        return row

    async def _keep(self, work: UnitOfWork, part: int, result: Any) -> None:
        await work.execute(
            """
            INSERT INTO idempotency_keys (principal, key, part, request_hash, result)
            VALUES (:sub, :key, :part, :hash, CAST(:result AS jsonb))
            """,
            sub=self.holder,
            key=self.idempotency_key,
            part=part,
            hash=await self._request_hash(),
            result=json.dumps(jsonable_encoder(result)),
        )

    def check_version(self, version: int) -> None:
        """Raises `Stale` where `If-Match` names another version; sets nothing."""
        wanted = self.request.headers.get("if-match")
        if (
            wanted is not None
            and wanted.strip() != "*"
            and f'"{version}"' not in [tag.strip() for tag in wanted.split(",")]
        ):
            raise Stale

    def located(self, *segments: object) -> None:
        """Says where what was created is: `located("clients", id)`. Ids may be of any script, a header may not."""
        path = "/".join(quote(str(segment), safe="") for segment in segments)
        self.response.headers["Location"] = f"/{self.runtime.service.name}/v1/{path}"

    def tag(self, version: int) -> None:
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


def allow(*roles: Role | Literal["anyone"], ask_freeze: bool = True) -> Any:
    """The caller must hold one of the roles (`anyone`: any role); a frozen caller holds none but `employee`.

    `ask_freeze=False` leaves the question to a route that asks it in its own statement.
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
        principal = await runtime.keys.principal(credentials.credentials)
        frozen, held = False, principal.roles
        if ask_freeze:
            async with runtime.database.connect() as connection:
                frozen = await runtime.service.is_frozen(connection, principal.sub)
            if frozen:
                principal = replace(principal, roles=frozenset({"employee"}))
        wanted = ROLES if "anyone" in roles else frozenset(roles)
        if principal.roles.isdisjoint(wanted):
            raise Forbidden(roles=sorted(wanted)) if held.isdisjoint(wanted) else RolesFrozen
        _refuse_unknown_query(request)
        key = idempotency_key if request.method == "POST" else None
        return Door(runtime, principal, request, response, frozen, key)

    return Depends(open_door)
