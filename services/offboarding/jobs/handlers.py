"""Takes the next job, computes it outside of any transaction, and hands its end to the case.

A lease says who computes; it is renewed while that process lives and taken over when it does not. What somebody finds
out who has lost the lease, or for a case that has moved on, is thrown away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.offboarding.cases.runner import answer_case
from services.offboarding.cases.store import lock_case
from services.offboarding.jobs import store
from services.offboarding.other_services import ServiceUnreachable
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case, Reply
from shared.database import UnitOfWork, bind_named, is_transient
from shared.outbox.waiting import describe_error
from shared.people.store import lock_people
from shared.service import Runtime

log = structlog.get_logger()

LEASE_DURATION = timedelta(seconds=30)

RENEWAL_SECONDS = 8.0  # seconds

MAX_ATTEMPTS = 5  # failures of our own; that another service does not answer is waited out


@dataclass(frozen=True)
class JobResult:
    """What a job has computed: `write(work, row, case)` stores it and gives the facts for the case.

    With `again_at` the job is not over: it runs again then.
    """

    write: Callable[[UnitOfWork, Row, Case], Awaitable[Mapping[str, int]]]
    again_at: datetime | None = None


Computation = Callable[[Runtime, Row], Awaitable[JobResult]]


async def run_next_job(runtime: Runtime, kinds: Mapping[str, Computation]) -> bool:
    """Runs one job, if any is due; returns whether there was one."""
    wall = runtime.wall_clock()
    about = {
        "me": runtime.id,
        "until": wall + LEASE_DURATION,
        "now": runtime.clock(),
        "wall": wall,
        "alone": runtime.alone,
    }
    async with runtime.database.connect() as connection:
        job: Row | None = await connection.fetchrow(*bind_named(store.TAKE_JOB_SQL, **about))
    if job is None:
        return False
    renewing = asyncio.create_task(_renew_lease(runtime, job))
    try:
        row = await runtime.transact(_get_case, job)
        found = await kinds[job["kind"]](runtime, row)
        await runtime.transact(_end_job, runtime.id, job, found)
    except Exception as error:
        if is_transient(error):
            raise
        log.warning("job.failed", kind=job["kind"], case_id=job["case_id"], error=describe_error(error))
        await runtime.transact(
            _fail_job, runtime.id, job, describe_error(error), waits=isinstance(error, ServiceUnreachable)
        )
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
    return True


async def _renew_lease(runtime: Runtime, job: Row) -> None:
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        with suppress(Exception):  # the database is away: the lease runs out, and whoever is there takes the job
            until = runtime.wall_clock() + LEASE_DURATION
            async with runtime.database.connect() as connection:
                await connection.execute(
                    *bind_named(
                        store.RENEW_LEASE_SQL, until=until, id=job["id"], me=runtime.id, attempts=job["attempts"]
                    )
                )


async def _get_case(work: UnitOfWork, job: Row) -> Row:
    row = await work.fetch_row("SELECT * FROM cases WHERE id = :id", id=job["case_id"])
    if row is None:
        raise LookupError("a job without a case")
    return row


async def _lock_held_job(work: UnitOfWork, holder: Any, job: Row) -> tuple[Row, Case] | None:
    """The job's case, locked; None where the job is somebody else's now or has been called off."""
    employee = await work.fetch_value("SELECT employee_id FROM cases WHERE id = :id", id=job["case_id"])
    await lock_people(work, changing=[employee])
    found = await lock_case(work, job["case_id"])
    mine = await work.fetch_value(
        """
        SELECT 1 FROM jobs WHERE id = :id AND status = 'running' AND holder = :holder AND attempts = :attempts FOR UPDATE
        """,
        id=job["id"],
        holder=holder,
        attempts=job["attempts"],
    )
    return found if mine else None


async def _end_job(work: UnitOfWork, holder: Any, job: Row, found: JobResult) -> None:
    held = await _lock_held_job(work, holder, job)
    if held is None:
        return
    row, case = held
    facts = await found.write(work, row, case)
    if found.again_at is not None:
        await work.execute(
            "UPDATE jobs SET status = 'queued', attempts = 0, run_at = :at WHERE id = :id",
            at=found.again_at,
            id=job["id"],
        )
        return
    await work.execute("UPDATE jobs SET status = 'done', error = NULL WHERE id = :id", id=job["id"])
    await answer_case(work, row, case, Reply(job["id"], facts=facts))


async def _fail_job(work: UnitOfWork, holder: Any, job: Row, error: str, waits: bool) -> None:
    held = await _lock_held_job(work, holder, job)
    if held is None:
        return
    over = job["attempts"] >= MAX_ATTEMPTS and not waits
    await work.execute(
        "UPDATE jobs SET status = :status, run_at = :at, error = :error WHERE id = :id",
        status="failed" if over else "queued",
        at=work.now + timedelta(seconds=min(2 ** job["attempts"], 60)),
        error=error,
        id=job["id"],
    )
    if over:
        await answer_case(work, *held, Reply(job["id"], "failed", "job_failed"))
