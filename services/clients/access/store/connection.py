"""A connection for prepared statements on asyncpg itself, beside the pool."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shared.errors import Unavailable


@dataclass
class PreparedConnection:
    """A connection of its own, made when first needed and again after it was lost; one statement at a time."""

    dsn: str
    connection: asyncpg.Connection | None = None
    statements: dict[str, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fetch(self, sql: str, *args: Any) -> Sequence[Any]:
        """Raises `Unavailable` if the database does not answer, also when asked again on a new connection."""
        async with self.lock:
            for last in (False, True):
                try:
                    if self.connection is None or self.connection.is_closed():
                        self.connection = await self._connect()
                        self.statements = {}
                    if sql not in self.statements:
                        self.statements[sql] = await self.connection.prepare(sql)
                    return await self.statements[sql].fetch(*args)  # type: ignore[no-any-return]
                except (
                    asyncpg.PostgresError,
                    asyncpg.InterfaceError,
                    asyncpg.InternalClientError,
                    OSError,
                    TimeoutError,
                ) as error:
                    self.close()
                    if last:
                        raise Unavailable from error
            raise AssertionError("unreachable")

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self.dsn,
            timeout=10,
            command_timeout=10,
            server_settings={
                "application_name": "holdfast checks",
                "jit": "off",
                "statement_timeout": "5000",
                "lock_timeout": "4000",
                # One plan for ever, by the indexes: reading a table to save look-ups pays only in small companies.
                "plan_cache_mode": "force_generic_plan",
                "enable_seqscan": "off",
                "enable_hashjoin": "off",
                "enable_mergejoin": "off",
            },
        )

    def close(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
        self.connection = None
