"""The hot path: access decisions in one prepared statement on asyncpg itself, journaled by the same statement.

Checks that arrive while a statement is in flight gather and share the next one. So a lone check waits for nothing, a
busy replica makes few round trips, and every answer rests on a read begun after its question arrived.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from services.clients.access.rules import RuleOutcome, explain_decision
from services.clients.access.store import decision
from services.clients.access.store.connection import PreparedConnection
from services.clients.journal.store import insert_entries_sql
from services.clients.names.store import MERGED_SYSTEM, RESOLVE_REFS_SQL, to_ref_columns
from services.clients.permissions.rules import ALLOWING_REASONS, Action
from shared.calendar import get_local_day
from shared.errors import Unavailable
from shared.ids import uuid7
from shared.people.store import heads_person_sql
from shared.service import Runtime

BATCH_SIZE = 500
MAX_REMEMBERED_ACTORS = 10_000

# How far the caller's roles reach: only themselves, those whom they head, everybody. A frozen caller: only themselves.
REACH_SELF, REACH_HEADED, REACH_EVERYBODY = 0, 1, 2

_MAY_ASK_SQL = f"""(d.employee_id = d.sub OR (
    d.reach > {REACH_SELF} AND NOT EXISTS (
        SELECT 1 FROM people caller WHERE caller.employee_id = d.sub AND (caller.frozen OR caller.status = 'left'))
    AND (d.reach = {REACH_EVERYBODY} OR {heads_person_sql("d", "d.sub")})))"""

_EMPLOYEE_SURROGATE_SQL = """coalesce((SELECT surrogate FROM surrogates s WHERE s.id = d.employee_id AND s.kind = 'employee'),
    CASE WHEN d.employee_known THEN surrogate_of('employee', d.employee_id) END)"""


def _journal_decisions_sql(source: str, **values: str) -> str:
    """Writes journal entries of rows that carry the columns of a question."""
    return insert_entries_sql(source, leaf="leaf", at="moment", actor="actor", system="system", **values)


_DECIDE_AND_JOURNAL_SQL = _journal_decisions_sql(
    f"""FROM ({decision.DECISION_SQL}) d WHERE {_MAY_ASK_SQL} AND NOT (reason = 'unknown_client' AND EXISTS (
        SELECT 1 FROM external_ids m WHERE m.system = '{MERGED_SYSTEM}' AND m.id = d.client_id))
    RETURNING leaf, reason""",
    kind="'access.checked'",
    employee=_EMPLOYEE_SURROGATE_SQL,
    client="client",
    action="action",
    reason="reason",
)

_QUESTIONS_SQL = """
    SELECT q.*, CAST($9 AS timestamptz) AS moment, CAST($10 AS text) AS day
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::uuid[], $8::uuid[])
         WITH ORDINALITY AS q (employee_id, client_id, action, sub, reach, system, actor, leaf, nth)
"""

# A lone question without the cost of arrays.
CHECK_ONE_SQL = f"""
    WITH asked AS (
        SELECT CAST($1 AS text) AS employee_id, CAST($2 AS text) AS client_id, CAST($3 AS text) AS action,
               CAST($4 AS text) AS sub, CAST($5 AS int) AS reach, CAST($6 AS text) AS system, CAST($7 AS uuid) AS actor,
               CAST($8 AS uuid) AS leaf, CAST($9 AS timestamptz) AS moment, CAST($10 AS text) AS day
    ) {_DECIDE_AND_JOURNAL_SQL}
"""

CHECK_SEVERAL_SQL = f"WITH asked AS ({_QUESTIONS_SQL}) {_DECIDE_AND_JOURNAL_SQL}"

_JUDGED_SQL = f"""
    judged AS MATERIALIZED (
        SELECT d.*, {_EMPLOYEE_SURROGATE_SQL} AS employee, {_MAY_ASK_SQL} AS may_ask FROM ({{decided}}) d
    )"""

_JOURNAL_AS_ONE_ENTRY_SQL = _journal_decisions_sql(
    "FROM {decisions} GROUP BY leaf, moment, actor, system HAVING bool_and(may_ask)",
    kind="{kind}",
    employees="array_agg(employee ORDER BY nth)",
    clients="array_agg(client ORDER BY nth)",
    details="jsonb_build_object('decisions', jsonb_agg(jsonb_build_array(action, reason) ORDER BY nth))",
)

_JOURNAL_EACH_SQL = _journal_decisions_sql(
    "FROM {decisions} WHERE may_ask",
    kind="{kind}",
    employee="employee",
    client="client",
    action="action",
    reason="reason",
)

CHECK_MANY_SQL = f"""
    WITH asked AS ({_QUESTIONS_SQL}), {_JUDGED_SQL.format(decided=decision.DECISION_SQL)},
    journaled AS ({_JOURNAL_AS_ONE_ENTRY_SQL.format(kind="'access.checked'", decisions="judged")})
    SELECT reason, may_ask FROM judged ORDER BY nth
"""


# Of decisions `judged`, those of exports that would exceed the limit become `limit`; in the order of employees, so that
# no two statements wait for each other. Nothing is counted of a call that may not ask.
LIMITED_SQL = f"""
    exporting AS MATERIALIZED (
        SELECT employee_id, within_export_limit(employee_id, CAST(day AS date), clients, {{limit}}, {{counting}}) AS within
        FROM (SELECT employee_id, day, array_agg(client_id ORDER BY nth) AS clients FROM judged
              WHERE action = 'export' AND {decision.IS_ALLOWED_SQL} AND (SELECT bool_and(may_ask) FROM judged)
              GROUP BY employee_id, day ORDER BY employee_id OFFSET 0) wanted
    ), limited AS MATERIALIZED (
        SELECT {{columns}},
               CASE WHEN action = 'export' AND {decision.IS_ALLOWED_SQL} AND client_id <> ALL(within) THEN 'limit'
                    ELSE reason END AS reason
        FROM judged LEFT JOIN exporting USING (employee_id)
    )"""


def _limited_check_sql(journal_sql: str, facts: str = "") -> str:
    """Like `CHECK_MANY_SQL`, where a question is an export: the limit of the day may refuse what else is allowed."""
    judged = _JUDGED_SQL.format(decided=decision.EXPLAINED_DECISION_SQL if facts else decision.DECISION_SQL)
    limited = LIMITED_SQL.format(
        columns=f"leaf, moment, actor, system, employee, client, action, nth, may_ask{facts}",
        limit="CAST($11 AS bigint)",
        counting="CAST($12 AS boolean)",
    )
    kind = "CASE WHEN CAST($12 AS boolean) THEN 'access.checked' ELSE 'access.explained' END"
    return f"""
        WITH asked AS ({_QUESTIONS_SQL}), {judged}, {limited},
        journaled AS ({journal_sql.format(kind=kind, decisions="limited")})
        SELECT reason, may_ask{facts} FROM limited ORDER BY nth
    """


_FACT_COLUMNS = ", relations, passes"
CHECK_EXPORT_SQL = _limited_check_sql(_JOURNAL_EACH_SQL)
CHECK_EXPORTS_SQL = _limited_check_sql(_JOURNAL_AS_ONE_ENTRY_SQL)
EXPLAIN_ONE_SQL = _limited_check_sql(_JOURNAL_EACH_SQL, _FACT_COLUMNS)
EXPLAIN_MANY_SQL = _limited_check_sql(_JOURNAL_AS_ONE_ENTRY_SQL, _FACT_COLUMNS)


class AccessQuestion(NamedTuple):
    """May `employee_id` do `action` with `client_id`? Asked by `sub`, whose roles reach as far as `reach` says."""

    employee_id: str
    client_id: str
    action: Action
    sub: str
    reach: int
    system: str | None = None


class AccessAnswer(NamedTuple):
    """`may_ask` is False where the caller has no right to the answer, or the client was merged into another: then nothing was
    journaled."""

    allowed: bool
    reason: str
    may_ask: bool
    decision_id: str
    decided_at: datetime
    rules: Sequence[RuleOutcome] | None = None


@dataclass
class CheckBatcher:
    """Answers questions, those that wait at the same time by one statement."""

    connection: PreparedConnection
    list_connection: PreparedConnection
    export_connection: PreparedConnection  # counting exports waits for others of that person: nobody else shall wait
    clock: Callable[[], datetime]
    timezone: str
    export_limit: int = 100
    waiting: list[tuple[AccessQuestion, "asyncio.Future[AccessAnswer]"]] = field(default_factory=list)
    is_busy: bool = False
    runner: "asyncio.Task[None] | None" = None
    actor_surrogates: dict[str, Any] = field(default_factory=dict)  # by caller; they never change

    async def check(self, question: AccessQuestion) -> AccessAnswer:
        """Raises `Unavailable` if the database does not answer: then nobody is admitted."""
        if question.action == "export":
            return (await self._decide_list(CHECK_EXPORT_SQL, [question], True))[0]
        if "~" in question.client_id:
            (question,) = await self._resolve_client_ids(self.connection, [question])
        answer = await self._decide_shared(question)
        if not answer.may_ask:  # or it was merged into another
            (known,) = await self._resolve_client_ids(self.connection, [question])
            return answer if known == question else await self._decide_shared(known)
        return answer

    async def _decide_shared(self, question: AccessQuestion) -> AccessAnswer:
        if not self.is_busy:
            return await self._decide_alone(question)
        answer: asyncio.Future[AccessAnswer] = asyncio.get_running_loop().create_future()
        self.waiting.append((question, answer))
        return await answer

    async def check_all(self, questions: Sequence[AccessQuestion]) -> list[AccessAnswer]:
        """All by one statement, on one snapshot, as one leaf. The questions are one caller's. Raises `Unavailable`."""
        if any(question.action == "export" for question in questions):
            return await self._decide_list(CHECK_EXPORTS_SQL, questions, True)
        return await self._decide_list(CHECK_MANY_SQL, questions)

    async def explain(self, questions: Sequence[AccessQuestion], *, counting: bool) -> list[AccessAnswer]:
        """Like `check` or `check_all`, with the rules that were tried. Unless `counting`, an export is only asked about."""
        return await self._decide_list(
            EXPLAIN_ONE_SQL if len(questions) == 1 else EXPLAIN_MANY_SQL, questions, counting
        )

    async def _decide_list(
        self, sql: str, questions: Sequence[AccessQuestion], counting: bool | None = None
    ) -> list[AccessAnswer]:
        """Decides questions about clients named in any way, also by the id of one that was merged into another."""
        connection = self.export_connection if counting else self.list_connection
        named = await self._resolve_client_ids(connection, questions)
        return await self._decide_in_one_statement(connection, sql, named, counting)

    async def _resolve_client_ids(
        self, connection: PreparedConnection, questions: Sequence[AccessQuestion]
    ) -> list[AccessQuestion]:
        found = await connection.fetch(RESOLVE_REFS_SQL, *to_ref_columns(question.client_id for question in questions))
        ids = {row["ref"]: row["client_id"] for row in found}
        return [question._replace(client_id=ids.get(question.client_id, question.client_id)) for question in questions]

    async def _decide_in_one_statement(
        self, connection: PreparedConnection, sql: str, questions: Sequence[AccessQuestion], counting: bool | None
    ) -> list[AccessAnswer]:
        leaf, now = uuid7(), self.clock()
        columns = await self._make_columns(connection, questions, [leaf] * len(questions))
        limit = [] if counting is None else [self.export_limit, counting]
        rows = await connection.fetch(sql, *columns, now, get_local_day(now, self.timezone).isoformat(), *limit)
        return [
            AccessAnswer(
                row[0] in ALLOWING_REASONS,
                row[0],
                row[1],
                f"{leaf}.{index}",
                now,
                explain_decision(row["reason"], questions[index].action, row["relations"], row["passes"])
                if sql in (EXPLAIN_ONE_SQL, EXPLAIN_MANY_SQL)
                else None,
            )
            for index, row in enumerate(rows)
        ]

    async def _decide_alone(self, question: AccessQuestion) -> AccessAnswer:
        """Decides in the task of whoever asks: with nobody else about, two turns of the loop are saved."""
        self.is_busy = True
        try:
            return (await self._decide([question]))[0]
        finally:
            if self.waiting:
                self.runner = asyncio.create_task(self._answer_waiting())
            else:
                self.is_busy = False

    async def _answer_waiting(self) -> None:
        try:
            while self.waiting:
                batch, self.waiting = self.waiting[:BATCH_SIZE], self.waiting[BATCH_SIZE:]
                await self._answer_batch(batch)
        finally:
            # In the same step as the last look at `waiting`: no question can come in between and wait for nobody.
            self.is_busy = False

    async def _answer_batch(self, batch: Sequence[tuple[AccessQuestion, "asyncio.Future[AccessAnswer]"]]) -> None:
        try:
            answers = await self._decide([question for question, _ in batch])
        except BaseException as error:
            for _, waiting in batch:
                if not waiting.done():
                    waiting.set_exception(error if isinstance(error, Exception) else Unavailable())
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

    async def _decide(self, questions: Sequence[AccessQuestion]) -> list[AccessAnswer]:
        now, leaves = self.clock(), [uuid7() for _ in questions]
        columns = await self._make_columns(self.connection, questions, leaves)
        if len(questions) == 1:
            columns = [column[0] for column in columns]
        rows = await self.connection.fetch(
            CHECK_ONE_SQL if len(questions) == 1 else CHECK_SEVERAL_SQL,
            *columns,
            now,
            get_local_day(now, self.timezone).isoformat(),
        )
        kept = {str(row[0]): row for row in rows}
        return [
            AccessAnswer(row[1] in ALLOWING_REASONS, row[1], True, f"{leaf}.0", now)
            if row
            else AccessAnswer(False, "", False, f"{leaf}.0", now)
            for leaf, row in ((leaf, kept.get(leaf)) for leaf in leaves)
        ]

    async def _make_columns(
        self, connection: PreparedConnection, questions: Sequence[AccessQuestion], leaves: Sequence[str]
    ) -> list[Sequence[Any]]:
        """The questions column by column, with the surrogates of those who ask."""
        for sub in {question.sub for question in questions} - self.actor_surrogates.keys():
            if len(self.actor_surrogates) >= MAX_REMEMBERED_ACTORS:
                self.actor_surrogates.clear()
            self.actor_surrogates[sub] = (await connection.fetch("SELECT surrogate_of('employee', $1)", sub))[0][0]
        actors = [self.actor_surrogates[question.sub] for question in questions]
        return [*zip(*questions, strict=True), actors, leaves]

    def close(self) -> None:
        if self.runner is not None:
            self.runner.cancel()
        for connection in (self.connection, self.list_connection, self.export_connection):
            connection.close()


async def start_check_batcher(runtime: Runtime) -> None:
    """Puts a batcher into the state of the replica."""
    dsn = runtime.database.url
    runtime.state["check_batcher"] = CheckBatcher(
        PreparedConnection(dsn),
        PreparedConnection(dsn),
        PreparedConnection(dsn),
        lambda: runtime.clock(),
        runtime.settings.timezone,
        runtime.settings.export_limit,
    )


async def stop_check_batcher(runtime: Runtime) -> None:
    batcher: CheckBatcher | None = runtime.state.pop("check_batcher", None)
    if batcher is not None:
        batcher.close()
