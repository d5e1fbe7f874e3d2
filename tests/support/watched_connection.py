"""Connections that say what they execute: for crashes after each commit, and for figures about single statements."""

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from shared.database import parse_affected_count

OnExecuted = Callable[[int, str, Sequence[Any], int], None]


def make_watched_connection_class(executed: OnExecuted) -> type[asyncpg.Connection]:
    """A class of connections that call `executed(backend process, statement, values, rows)` after each statement.

    BEGIN, COMMIT and ROLLBACK are statements too.
    """

    class Watched(asyncpg.Connection):
        async def execute(self, query: str, *args: Any, **options: Any) -> str:
            status = await super().execute(query, *args, **options)
            if not args:
                executed(self.get_server_pid(), query, (), parse_affected_count(status))
            return status  # type: ignore[no-any-return]

        async def _execute(
            self, query: str, args: Sequence[Any], *rest: Any, return_status: bool = False, **options: Any
        ) -> Any:
            result = await super()._execute(query, args, *rest, return_status=True, **options)
            executed(
                self.get_server_pid(), query, args, parse_affected_count((result[1] or b"row 1").decode())
            )  # asked for one
            return result if return_status else result[0]

    return Watched
