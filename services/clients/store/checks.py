"""The hot path: access decisions in one prepared statement on asyncpg itself, journaled by the same statement.

Checks that arrive while a statement is in flight gather and share the next one. So a lone check waits for nothing, a
busy replica makes few round trips, and every answer rests on a read begun after its question arrived.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg

from services.clients.store.decisions import DECIDED
from shared.errors import Unavailable
from shared.http.fields import uuid7
from shared.service import Runtime

BATCH = 500

# How far the caller's roles reach: only themselves, those whom they head, everybody. A frozen caller: only themselves.
SELF, HEADED, EVERYBODY = 0, 1, 2

_ASKED = """
    asked AS (
        SELECT q.*, CAST($7 AS timestamptz) AS moment, CAST($8 AS text) AS day
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::uuid[])
             WITH ORDINALITY AS q(employee_id, client_id, action, sub, reach, leaf, nth)
    ), judged AS MATERIALIZED (
        SELECT d.*, actor.surrogate AS actor, employee.surrogate AS employee,
               d.employee_id = d.sub OR (
                   d.reach > 0 AND NOT coalesce(caller.frozen OR caller.status = 'left', false)
                   AND (d.reach = 2 OR EXISTS (
                       SELECT 1 FROM people p JOIN heads ON heads.department_id = p.department_id
                       WHERE p.employee_id = d.employee_id AND heads.head_id = d.sub))
               ) AS may_ask
        FROM ({decided}) d
        LEFT JOIN people caller ON caller.employee_id = d.sub
        LEFT JOIN surrogates actor ON actor.id = d.sub AND actor.kind = 'employee'
        LEFT JOIN surrogates employee ON employee.id = d.employee_id AND employee.kind = 'employee'
    )
"""
_ACTOR = "coalesce(actor, surrogate_of('employee', sub))"
_EMPLOYEE = "coalesce(employee, CASE WHEN employee_known THEN surrogate_of('employee', employee_id) END)"

ONE_BY_ONE = f"""
    WITH {_ASKED.format(decided=DECIDED)}, kept AS (
        INSERT INTO journal_pending (leaf, at, kind, actor, employee, client, action, allowed, reason)
        SELECT leaf, moment, 'access.checked', {_ACTOR}, {_EMPLOYEE}, client, action, allowed, reason
        FROM judged WHERE may_ask
    )
    SELECT allowed, reason, may_ask FROM judged ORDER BY nth
"""
TOGETHER = f"""
    WITH {_ASKED.format(decided=DECIDED)}, kept AS (
        INSERT INTO journal_pending (leaf, at, kind, actor, employees, clients, details)
        SELECT leaf, moment, 'access.checked', (array_agg({_ACTOR}))[1],
               array_agg({_EMPLOYEE} ORDER BY nth), array_agg(client ORDER BY nth),
               jsonb_build_object('decisions', jsonb_agg(jsonb_build_array(action, allowed, reason) ORDER BY nth))
        FROM judged GROUP BY leaf, moment HAVING bool_and(may_ask)
    )
    SELECT allowed, reason, may_ask FROM judged ORDER BY nth
"""


class Question(NamedTuple):
    """May `employee_id` do `action` with `client_id`? Asked by `sub`, whose roles reach as far as `reach` says."""

    employee_id: str
    client_id: str
    action: str
    sub: str
    reach: int


class Answer(NamedTuple):
    """`may_ask` is False where the caller has no right to the answer; then nothing was journaled."""

    allowed: bool
    reason: str
    may_ask: bool
    decision_id: str
    decided_at: datetime


@dataclass
class Line:
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
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                    self.hang_up()
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

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
        self.connection = None


@dataclass
class Gatherer:
    """Answers questions, those that wait at the same time by one statement."""

    line: Line
    batch_line: Line
    clock: Callable[[], datetime]
    timezone: ZoneInfo
    waiting: list[tuple[Question, "asyncio.Future[Answer]"]] = field(default_factory=list)
    runner: "asyncio.Task[None] | None" = None

    async def check(self, question: Question) -> Answer:
        """Raises `Unavailable` if the database does not answer: then nobody is admitted."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append((question, answer))
        if self.runner is None:
            self.runner = asyncio.create_task(self._run())
        return await answer

    async def check_all(self, questions: Sequence[Question]) -> list[Answer]:
        """All by one statement, on one snapshot, as one leaf. The questions are one caller's. Raises `Unavailable`."""
        leaf, now = uuid7(), self.clock()
        rows = await self._ask(self.batch_line, TOGETHER, questions, [leaf] * len(questions), now)
        return [Answer(row[0], row[1], row[2], f"{leaf}.{index}", now) for index, row in enumerate(rows)]

    async def _run(self) -> None:
        try:
            while self.waiting:
                batch, self.waiting = self.waiting[:BATCH], self.waiting[BATCH:]
                await self._answer(batch)
        finally:
            # In the same step as the last look at `waiting`: no question can come in between and wait for nobody.
            self.runner = None

    async def _answer(self, batch: Sequence[tuple[Question, "asyncio.Future[Answer]"]]) -> None:
        now, leaves = self.clock(), [uuid7() for _ in batch]
        try:
            rows = await self._ask(self.line, ONE_BY_ONE, [question for question, _ in batch], leaves, now)
        except BaseException as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error if isinstance(error, Exception) else Unavailable())
            if not isinstance(error, Exception):
                raise
            return
        for (_, answer), leaf, row in zip(batch, leaves, rows, strict=True):
            if not answer.done():
                answer.set_result(Answer(row[0], row[1], row[2], f"{leaf}.0", now))

    async def _ask(
        self, line: Line, sql: str, questions: Sequence[Question], leaves: Sequence[str], now: datetime
    ) -> Sequence[Any]:
        columns = list(zip(*questions, strict=True)) or [(), (), (), (), ()]
        day = now.astimezone(self.timezone).date().isoformat()
        return await line.fetch(sql, *columns, leaves, now, day)

    def close(self) -> None:
        if self.runner is not None:
            self.runner.cancel()
        for line in (self.line, self.batch_line):
            line.hang_up()


async def open_gatherer(runtime: Runtime) -> None:
    """Puts a gatherer into the state of the replica."""
    dsn = runtime.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    runtime.state["gatherer"] = Gatherer(
        Line(dsn), Line(dsn), lambda: runtime.clock(), ZoneInfo(runtime.settings.timezone)
    )


async def close_gatherer(runtime: Runtime) -> None:
    gatherer: Gatherer | None = runtime.state.pop("gatherer", None)
    if gatherer is not None:
        gatherer.close()


__all__ = ["EVERYBODY", "HEADED", "SELF", "Answer", "Gatherer", "Question", "close_gatherer", "open_gatherer"]
