"""Jobs and tickers of two replicas on one database: computed once, told once, and late results are thrown away."""

import asyncio
import gc
import json
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import asyncpg
import pytest

from services.clients.transfers.handlers import settle_rehired_employees
from services.offboarding.cases.handlers import watch_deadlines
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.jobs.handlers import Computation, JobResult, run_next_job
from services.offboarding.jobs.rules import LEASE_DURATION
from services.offboarding.manifest import COMPUTATIONS
from services.staff.departures.handlers import record_due_departures
from shared.database import open_database
from shared.service import Runtime
from tests.services.clients.town import town
from tests.services.offboarding.company import HEAD, case_of, company, resign
from tests.support.days import Clock
from tests.support.house import House
from tests.support.lab import WITHIN, wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
Act = Callable[[Runtime], Coroutine[Any, Any, bool]]


class Replicas:
    """Two of one service beside the house's own: in common they have only the database, and none is alone any more."""

    def __init__(self, house: House, service: str, wall: Clock | None = None) -> None:
        self.house, self.service = house, service
        runtime = house.runtime(service)
        runtime.is_only_replica = False
        self.one, self.other = (
            replace(
                runtime,
                id=uuid.uuid4(),
                database=open_database(house.urls[service], 6),
                wall_clock=wall or runtime.wall_clock,
                state={},
                unsent=asyncio.Event(),
            )
            for _ in range(2)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        for replica in (self.one, self.other):
            await replica.database.close()

    async def until_idle(self, act: Act, table: str) -> None:
        """Lets both act at once until neither finds work: first so that each has looked at the rows of this table, and stands
        at its locks or has turned away, before either can write one; then as it comes."""
        while any(await self._from_the_same_look(act, table)):
            pass
        while any(await asyncio.gather(act(self.one), act(self.other))):
            pass

    async def _from_the_same_look(self, act: Act, table: str) -> list[bool]:
        hand = await asyncpg.connect(self.house.urls[self.service])
        try:
            async with hand.transaction():
                await hand.execute(f"SELECT FROM {table} FOR UPDATE")
                acts = [asyncio.create_task(act(replica)) for replica in (self.one, self.other)]

                async def both_stand() -> bool:
                    waiting = await self.house.scalar(self.service, WAITING)
                    return bool(waiting + sum(task.done() for task in acts) == 2)

                await wait_until(both_stand, f"both replicas at {table}")
            return await asyncio.gather(*acts)
        finally:
            await hand.close()


async def all_rows(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every table of offboarding, the outbox among them."""
    return {
        name: await house.rows("offboarding", f"SELECT * FROM {name} t ORDER BY CAST(t AS text)")
        for name in house.runtime("offboarding").service.metadata.tables
    }


async def queue_a_plan(house: House, name: str) -> None:
    """The head of sales wants the plan of this leaver's case made anew: one job, of which nobody has taken notice yet."""
    case = await case_of(house, name)
    await house.ok(HEAD, "POST", f"/offboarding/v1/cases/{case['id']}/retry", json={"step": "plan"})


async def versions(house: House, name: str) -> list[int]:
    sql = "SELECT version FROM plans p JOIN cases c ON c.id = p.case_id WHERE employee_id = :id ORDER BY 1"
    return [row["version"] for row in await house.rows("offboarding", sql, id=name)]


def then(done: Callable[[str], Awaitable[None]]) -> dict[str, Computation]:
    """The kinds of jobs as ever, with something that is done between computing a plan and writing it."""

    async def draft(runtime: Runtime, record: CaseRecord) -> JobResult:
        found = await COMPUTATIONS["draft"](runtime, record)
        await done(record.employee_id)
        return found

    return {**COMPUTATIONS, "draft": draft}


class Halfway:
    """A job whose result is computed and held back: it is `at` that point until it may `go` on."""

    def __init__(self) -> None:
        self.at, self.go = asyncio.Event(), asyncio.Event()
        self.kinds = then(self.hold)

    async def hold(self, _: str) -> None:
        self.at.set()
        await self.go.wait()

    async def of(self, replica: Runtime) -> asyncio.Task[bool]:
        """The job that this replica runs now."""
        running = asyncio.create_task(run_next_job(replica, self.kinds))
        await asyncio.wait_for(self.at.wait(), WITHIN)
        return running


async def test_one_job_is_computed_once_though_two_replicas_look_for_work() -> None:
    computed: list[str] = []

    async def note(employee: str) -> None:
        computed.append(employee)

    async with company() as house:
        await resign(house)
        async with Replicas(house, "offboarding") as replicas:
            for round in range(1, 6):
                await queue_a_plan(house, "nora")
                await replicas.until_idle(lambda replica: run_next_job(replica, then(note)), "jobs")
                assert computed == ["nora"] * round
        assert await versions(house, "nora") == [1, 2, 3, 4, 5, 6]
        assert len(await house.sent("offboarding", "plan.proposed")) == 6


async def test_a_holder_whose_lease_ran_out_writes_nothing() -> None:
    wall, halfway = Clock(), Halfway()
    async with company() as house:
        await resign(house)
        async with Replicas(house, "offboarding", wall) as replicas:
            await queue_a_plan(house, "nora")
            sleeping = await halfway.of(replicas.one)
            assert not await run_next_job(replicas.other, COMPUTATIONS)
            wall.ahead += LEASE_DURATION + timedelta(seconds=1)
            assert await run_next_job(replicas.other, COMPUTATIONS)
            assert await versions(house, "nora") == [1, 2]
            before = await all_rows(house)
            halfway.go.set()
            assert await sleeping
            assert await all_rows(house) == before
            assert not await run_next_job(replicas.one, COMPUTATIONS)


async def test_what_is_computed_for_a_case_that_was_called_off_is_thrown_away() -> None:
    halfway = Halfway()
    async with company() as house:
        await resign(house)
        async with Replicas(house, "offboarding") as replicas:
            await queue_a_plan(house, "nora")
            computing = await halfway.of(replicas.one)
            await house.ok("hr", "DELETE", "/staff/v1/employees/nora/resignation")
            await house.settle()
            assert (await case_of(house))["status"] == "cancelled"
            before = await all_rows(house)
            assert {row["kind"]: row["status"] for row in before["jobs"]} == {"ranking": "done", "draft": "cancelled"}
            halfway.go.set()
            assert await computing
            assert await all_rows(house) == before
            assert not await run_next_job(replicas.other, COMPUTATIONS)


async def test_two_replicas_of_staff_see_everybody_off_once() -> None:
    async with company() as house:
        for name in ("nora", "otto", "petra"):
            await resign(house, name)
        async with Replicas(house, "staff") as replicas:
            house.clock.move(days=15)
            await replicas.until_idle(record_due_departures, "employees")
            left = [envelope.data.employee_id for envelope in await house.sent("staff", "employee.left")]
            assert sorted(left) == ["nora", "otto", "petra"]


async def test_two_replicas_of_offboarding_remind_once_of_each_task_and_end_each_last_day_once() -> None:
    async with company() as house:
        for name in ("nora", "petra"):
            await resign(house, name)
        async with Replicas(house, "offboarding") as replicas:
            for _ in range(20):
                house.clock.move(days=1)
                await replicas.until_idle(watch_deadlines, "cases")
                await replicas.until_idle(watch_deadlines, "tasks")
            for kind in ("task.due", "task.overdue"):
                sent = await house.sent("offboarding", kind)
                told = Counter((envelope.data.task_id, envelope.data.assignee_id) for envelope in sent)
                assert set(told.values()) == {1}  # whoever takes a task over is told of it too
            ended = await house.rows("offboarding", "SELECT case_id FROM timeline WHERE what = 'last_day_over'")
            assert len({row["case_id"] for row in ended}) == len(ended) == 2


async def test_two_replicas_of_clients_settle_each_client_of_the_rehired_once() -> None:
    ids = [f"c-{number:04}" for number in range(2_500)]  # more than two transactions' worth
    async with town("anna", "ben") as here, Replicas(here.house, "clients") as replicas:
        lines = "\n".join(json.dumps({"id": id, "name": id, "owner_id": "anna"}) for id in ids)
        await here.house.call("service", "POST", "/clients/v1/imports?kind=clients", content=lines.encode())
        await here.leave("anna", "ben")
        await here.rehire("anna")
        await replicas.until_idle(settle_rehired_employees, "people")
        moved = await here.house.rows("clients", "SELECT client_id, to_id FROM history WHERE kind = 'permanent'")
        assert sorted((row["client_id"], row["to_id"]) for row in moved) == [(id, "ben") for id in ids]
        sent = await here.house.sent("clients", "client.transferred")
        assert sorted(item.client_id for envelope in sent for item in envelope.data.items) == ids


# -- the loop ----------------------------------------------------------------------------------------------------------

COLLEAGUES, CLIENTS, STAGES = 50, 10_000, 2_000
LONGEST = 0.050  # seconds
REGIONS, LANGUAGES = [f"r{number}" for number in range(12)], ["de", "en", "es", "fr", "it"]
FLOW = {"id": "f", "name": "F", "stages": [{"name": "placement", "function": "sales", "effort": 0.5, "days": 2}]}


@pytest.fixture
def collecting_as_served() -> Iterator[None]:
    """As `run_serving` has it. Else a full collection of all that a test process holds would be what is measured."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def take_in(house: House, service: str, kind: str, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 5_000):
        part = rows[start : start + 5_000]
        answer = await house.call(
            (["hr", "service"], "import"),
            "POST",
            f"/{service}/v1/imports?kind={kind}",
            content="\n".join(json.dumps({"line": line, "data": row}) for line, row in enumerate(part, 1)).encode(),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert [json.loads(line)["outcome"] for line in answer.text.splitlines()] == ["created"] * len(part)
    await house.settle()


def person(n: int, name: str, points: int) -> dict[str, Any]:
    about = {"id": name, "name": name, "email": f"{name}@example.org", "hired_on": "2020-01-01"}
    likes = {"regions": [REGIONS[n % 12], REGIONS[(5 * n + 1) % 12]], "languages": [LANGUAGES[n % 5]]}
    return {**about, **likes, "functions": {"sales": points}}


def client(n: int) -> dict[str, Any]:
    about = {"id": f"c-{n}", "name": f"Client {n}", "owner_id": "nora", "value": f"{n % 977}00.00"}
    likes = {"regions": [REGIONS[n % 12]], "languages": [LANGUAGES[n % 5]]}
    return {**about, **likes, "team": {"engineering": f"e-{n % COLLEAGUES}"}}


async def large_portfolio(house: House) -> None:
    """`nora` has all clients, and the open stages of some; each of the colleagues could take a part of both."""
    colleagues = [person(n, f"e-{n}", 2 * CLIENTS // COLLEAGUES) for n in range(COLLEAGUES)]
    nora = {**person(0, "nora", 2 * CLIENTS), "deputy_id": "e-0"}
    about = {"flow_id": "f", "value": "1.00", "origin": "own", "placed_on": house.clock.day().isoformat()}
    orders = [
        {**about, "id": f"o-{n}", "client_id": f"c-{5 * n}", "assignees": {"placement": "nora"}} for n in range(STAGES)
    ]
    await take_in(house, "staff", "employees", [*colleagues, nora])
    await take_in(house, "clients", "clients", [client(n) for n in range(CLIENTS)])
    await house.ok("director", "POST", "/orders/v1/flows", json=FLOW)
    await take_in(house, "orders", "orders", orders)


async def longest_gap(between: Coroutine[Any, Any, bool]) -> float:
    """How long the loop's thread computed between two beats of 5 ms. What the machine did meanwhile is not counted."""
    gaps: list[float] = []
    working = asyncio.create_task(between)
    last = time.thread_time()
    while not working.done():
        await asyncio.sleep(0.005)
        gaps.append((now := time.thread_time()) - last)
        last = now
    assert await working
    return max(gaps)


async def test_a_plan_for_10_000_clients_never_holds_the_loop_for_50_ms(collecting_as_served: None) -> None:
    async with House.start(policy_required=False) as house:
        await large_portfolio(house)
        offboarding = house.runtime("offboarding")
        offboarding.service = replace(offboarding.service, tickers=())  # the jobs are run by hand
        last_day = house.clock.day(30).isoformat()
        await house.ok("hr", "POST", "/staff/v1/employees/nora/resignation", json={"last_day": last_day})
        await house.settle()
        await house.ok("service", "GET", "/clients/v1/loads")  # the first stream of a process loads what streams need
        for kind in ("ranking", "draft"):
            queued = await house.rows("offboarding", "SELECT kind FROM jobs WHERE status = 'queued'")
            assert [row["kind"] for row in queued] == [kind]
            assert await longest_gap(run_next_job(offboarding, COMPUTATIONS)) < LONGEST, kind
        placed = await house.rows(
            "offboarding", "SELECT part, count(*) AS n FROM moves WHERE unplaced IS NULL GROUP BY 1"
        )
        assert {row["part"]: row["n"] for row in placed} == {"client": CLIENTS, "stage": STAGES}
