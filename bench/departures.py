"""A company in which one salesperson after another resigns by webhook, and what the bare databases do for each of them.

What Holdfast executes on the way is written down with its values, and run again in the same order, bare, on copies of
the databases as they were before: the peer of `freeze_embedded` and `freeze_kafka`.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from standardwebhooks import Webhook

from bench.figures import start_server
from services.cli.system import System, Target, connect_or_start_system
from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion
from shared.database import open_database
from shared.service import Runtime
from shared.settings import SERVICES, Settings
from tests.support.watched_connection import make_watched_connection_class

SECRET = "whsec_" + "YmVuY2gtd2ViaG9va3MtYXJlLXNpZ25lZC10b28="
CLIENTS_EACH = 20
PATIENCE = 60.0  # seconds until a departure has come to rest

# What a departure is on the way from the webhook's commit to the refusal, in the order of the way. Whatever else runs at
# the time (other services, tickers, the marking of what was published) the peer need not do.
PATH_TRANSACTIONS = (
    ("staff", "FROM outbox WHERE published_at IS NULL"),
    ("clients", "INSERT INTO deliveries"),
    ("clients", "FROM deliveries WHERE topic"),
    ("clients", "INSERT INTO inbox"),
)
OUTBOX_SQL = "INSERT INTO outbox"
MARK_PUBLISHED_SQL = "UPDATE outbox SET published_at"
AT_REST_SQL = """
    SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL) AND NOT EXISTS (SELECT 1 FROM deliveries)
"""
PLANNED_SQL = """
    SELECT EXISTS (SELECT 1 FROM cases c JOIN case_steps s ON s.case_id = c.id AND s.name = 'plan'
                   WHERE c.employee_id = $1 AND (s.status IN ('waiting', 'done') OR c.status = 'needs_person'))
       AND NOT EXISTS (SELECT 1 FROM jobs WHERE status = 'running' OR status = 'queued' AND run_at <= now())
"""


def list_leaver_ids(number: int) -> list[str]:
    return [f"leaver-{n}" for n in range(number)]


async def import_company(system: System, number: int) -> None:
    """The leavers, each with clients and a deputy, and enough colleagues to take over."""
    day = {"hired_on": "2020-01-01"}
    people: list[dict[str, Any]] = [{"id": "head", "name": "Head", "email": "head@example.org", **day}]
    for kind, count in (("colleague", 20), ("leaver", number)):
        people += [
            {
                "id": f"{kind}-{n}",
                "name": f"{kind} {n}",
                "email": f"{kind}-{n}@example.org",
                "department_id": "sales",
                "manager_id": "head",
                "functions": {"sales": 1000},
                **({"deputy_id": f"colleague-{n % 20}"} if kind == "leaver" else {}),
                **day,
            }
            for n in range(count)
        ]
    await _import_rows(system, "staff", "departments", [{"id": "sales", "name": "Sales"}])
    await _import_rows(system, "staff", "employees", people)
    await _import_rows(system, "staff", "departments", [{"id": "sales", "name": "Sales", "head_id": "head"}])
    clients = [
        {"id": f"{leaver}.{n}", "name": f"Client {n} of {leaver}", "owner_id": leaver}
        for leaver in list_leaver_ids(number)
        for n in range(CLIENTS_EACH)
    ]
    await _import_rows(system, "clients", "clients", clients)
    source = {"id": "hris", "kind": "generic", "secret": SECRET}
    await system.call("POST", "/staff/v1/hris/sources", "ops", json=source)


async def _import_rows(system: System, service: str, kind: str, rows: Sequence[Any]) -> None:
    """Sends the rows until all of them are in place: `clients` has to hear of the owners first."""
    deadline = time.monotonic() + PATIENCE
    while True:
        content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": uuid.uuid4().hex}
        answer = await system.call(
            "POST", f"/{service}/v1/imports?kind={kind}", "ops", content=content, headers=headers
        )
        refused = [line for line in answer.text.splitlines() if json.loads(line)["outcome"] == "refused"]
        if not refused:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{kind}: {refused[0]}")
        await asyncio.sleep(0.5)


async def send_resignation(system: System, employee_id: str) -> None:
    """The signed webhook; returns when it was accepted."""
    now = datetime.now(UTC)
    today = now.date()
    data = {"employee_id": employee_id, "last_day": str(today + timedelta(days=30)), "notice_on": str(today)}
    body = json.dumps({"type": "employee.resigned", "timestamp": now.isoformat(), "data": data})
    headers = {
        "webhook-id": uuid.uuid4().hex,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": "",
        "content-type": "application/json",
    }
    headers["webhook-signature"] = Webhook(SECRET).sign(headers["webhook-id"], now, body)
    answer = await system.call("POST", "/staff/v1/hris/webhooks/hris", content=body.encode(), headers=headers)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "applied"), answer.text


async def wait_until_at_rest(databases: Mapping[str, asyncpg.Connection], employee_id: str) -> None:
    """Waits until this departure has its plan and nothing is on its way."""
    deadline, calm = time.monotonic() + PATIENCE, 0
    while calm < 2:
        looks = [await databases[name].fetchval(AT_REST_SQL) for name in SERVICES]
        looks.append(await databases["offboarding"].fetchval(PLANNED_SQL, employee_id))
        calm = calm + 1 if all(looks) else 0
        if time.monotonic() > deadline:
            raise TimeoutError(f"the departure of {employee_id} does not come to rest: {looks}")
        await asyncio.sleep(0.05)


# -- writing down ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordedStatement:
    sql: str
    values: tuple[Any, ...]


@dataclass
class RecordedTransaction:
    """What one connection executed until it committed or let go."""

    service: str
    statements: list[RecordedStatement] = field(default_factory=list)
    committed: bool = False

    def has(self, sql: str) -> bool:
        return any(sql in " ".join(statement.sql.split()) for statement in self.statements)


class StatementLog:
    """Everything that is executed, transaction by transaction, in the order in which they ended."""

    def __init__(self) -> None:
        self.ended: list[RecordedTransaction] = []
        self.open: dict[int, RecordedTransaction] = {}

    def listen(self, runtime: Runtime) -> None:
        """From now on, on new connections."""
        runtime.database = open_database(
            runtime.database.url, 20, make_watched_connection_class(partial(self._executed, runtime.service.name))
        )

    def _executed(self, service: str, backend: int, sql: str, values: Sequence[Any], rows: int) -> None:
        word = sql.split(maxsplit=1)[0].rstrip(";")
        if word == "BEGIN":
            self.open[backend] = RecordedTransaction(service)
        elif word in ("COMMIT", "ROLLBACK"):
            self.ended.append(self.open.pop(backend))
            self.ended[-1].committed = word == "COMMIT"
        elif backend in self.open:
            self.open[backend].statements.append(RecordedStatement(sql, tuple(values)))
        else:
            self.ended.append(RecordedTransaction(service, [RecordedStatement(sql, tuple(values))]))


@dataclass(frozen=True)
class DeparturePath:
    """The transactions of one departure: the webhook's, those until the refusal, the marking afterwards."""

    webhook: RecordedTransaction
    steps: Sequence[RecordedTransaction]
    marking: RecordedTransaction
    deliveries_before: int


def find_departure_path(ended: Sequence[RecordedTransaction], deliveries_before: int) -> DeparturePath:
    """Finds the way of a departure in what was executed since the webhook was sent."""
    rest = iter(ended)
    webhook = next(t for t in rest if t.service == "staff" and t.has(OUTBOX_SQL))
    after = list(rest)
    steps = []
    place = 0
    for service, sql in PATH_TRANSACTIONS:
        place = next(n for n in range(place, len(after)) if after[n].service == service and after[n].has(sql))
        steps.append(after[place])
    marking = next(t for t in after if t.service == "staff" and t.has(MARK_PUBLISHED_SQL))
    return DeparturePath(webhook, steps, marking, deliveries_before)


# -- running -----------------------------------------------------------------------------------------------------------


class RecordedSystem:
    """Holdfast in this process, as `holdfast up` runs it, with everything written down."""

    def __init__(self, system: System, databases: Mapping[str, asyncpg.Connection]) -> None:
        self.system, self.databases, self.log = system, databases, StatementLog()
        self.runtimes = {runtime.service.name: runtime for runtime in system.embedded}
        self.accepted = 0.0
        self.committed = asyncio.Event()
        self.runtimes["staff"].after_commit = self._staff_committed
        self.runtimes["clients"].after_commit = lambda service: self.committed.set()
        for name in ("staff", "clients"):
            self.log.listen(self.runtimes[name])

    def _staff_committed(self, service: str) -> None:
        if not self.accepted and self.log.ended and any(t.has(OUTBOX_SQL) for t in self.log.ended):
            self.accepted = time.perf_counter()

    async def depart(self, employee_id: str) -> tuple[float, DeparturePath]:
        """Seconds from the commit of the webhook's transaction to the first check that refuses; and the way there.

        Checks are asked at once and after each commit in `clients`: the world can change at no other time.
        """
        last = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('deliveries', 'id')), 0)"
        deliveries = await self.databases["clients"].fetchval(last)
        self.log.ended.clear()
        self.accepted = 0.0
        sending = asyncio.create_task(send_resignation(self.system, employee_id))
        question = AccessQuestion(employee_id, f"{employee_id}.0", "read", "bench", REACH_EVERYBODY)
        batcher = self.runtimes["clients"].state["check_batcher"]
        while True:
            self.committed.clear()
            if (await batcher.check(question)).reason == "frozen":
                break
            await self.committed.wait()
        took = time.perf_counter() - self.accepted
        await sending
        await wait_until_at_rest(self.databases, employee_id)
        return took, find_departure_path(self.log.ended, deliveries)


@asynccontextmanager
async def open_recorded_system(
    folder: Path, tag: str, number: int
) -> AsyncIterator[tuple[RecordedSystem, "BareDatabases"]]:
    """Holdfast and the bare copies of its databases, `number` leavers in each."""
    settings = Settings(
        data_dir=folder / tag,
        database_url=start_server().get_uri(database=tag),
        hold_departures_above="1000000",
        last_resort="head",
    )
    async with connect_or_start_system(Target(settings)) as system:
        await import_company(system, number)
    async with AsyncExitStack() as stack:
        bare = {name: await copy_database(f"{tag}_{name}", f"{tag}_{name}_bare") for name in ("staff", "clients")}
        system = await stack.enter_async_context(connect_or_start_system(Target(settings)))
        databases = {name: await asyncpg.connect(start_server().get_uri(database=f"{tag}_{name}")) for name in SERVICES}
        for connection in (*databases.values(), *bare.values()):
            stack.push_async_callback(connection.close)
        yield RecordedSystem(system, databases), BareDatabases(bare)


async def copy_database(source: str, target: str) -> asyncpg.Connection:
    """A connection to a copy of a database that nobody is connected to."""
    admin = await asyncpg.connect(start_server().get_uri(database="postgres"))
    await admin.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {target} TEMPLATE {source}")
    await admin.close()
    return await asyncpg.connect(start_server().get_uri(database=target))


@dataclass(frozen=True)
class BareDatabases:
    """Copies of the databases of `staff` and `clients`, one connection to each."""

    connections: Mapping[str, asyncpg.Connection]

    async def follow(self, way: DeparturePath) -> float:
        """Seconds that the statements of the way take, one after the other."""
        await self._run(way.webhook)
        await self.connections["clients"].execute(
            "SELECT setval(pg_get_serial_sequence('deliveries', 'id'), $1::bigint + 1, false)", way.deliveries_before
        )
        begun = time.perf_counter()
        for transaction in way.steps:
            await self._run(transaction)
        took = time.perf_counter() - begun
        await self._run(way.marking)
        return took

    async def _run(self, transaction: RecordedTransaction) -> None:
        connection = self.connections[transaction.service]
        if not transaction.committed:
            for statement in transaction.statements:
                await connection.fetch(statement.sql, *statement.values)
            return
        async with connection.transaction():
            for statement in transaction.statements:
                await connection.fetch(statement.sql, *statement.values)
