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

from services.offboarding.directory import NotThere
from services.offboarding.handlers import moving
from services.offboarding.saga import Case, Reply
from services.offboarding.store import cases
from shared.database import UnitOfWork, bind_named, is_transient
from shared.outbox.waiting import describe_error
from shared.people.store import lock_people
from shared.service import Runtime

log = structlog.get_logger()
Row = Mapping[str, Any]

LEASE = timedelta(seconds=30)
RENEWED = 8.0  # seconds
TRIES = 5  # failures of our own; that another service does not answer is waited out

TAKE = """
    UPDATE jobs SET status = 'running', holder = :me, lease_until = :until, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM jobs
        WHERE (status = 'queued' AND run_at <= :now)
              OR (status = 'running' AND (lease_until < :wall OR :alone))
        ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, case_id, kind, attempts
"""
RENEW = "UPDATE jobs SET lease_until = :until WHERE id = :id AND holder = :me AND attempts = :attempts"


@dataclass(frozen=True)
class Found:
    """What a job has computed: `write(work, row, case)` stores it and gives the facts for the case.

    With `again_at` the job is not over: it runs again then.
    """

    write: Callable[[UnitOfWork, Row, Case], Awaitable[Mapping[str, int]]]
    again_at: datetime | None = None


Compute = Callable[[Runtime, Row], Awaitable[Found]]


async def run_next(runtime: Runtime, kinds: Mapping[str, Compute]) -> bool:
    """Runs one job, if any is due; returns whether there was one."""
    wall = runtime.wall_clock()
    about = {"me": runtime.id, "until": wall + LEASE, "now": runtime.clock(), "wall": wall, "alone": runtime.alone}
    async with runtime.database.connect() as connection:
        job: Row | None = await connection.fetchrow(*bind_named(TAKE, **about))
    if job is None:
        return False
    renewing = asyncio.create_task(_renew(runtime, job))
    try:
        row = await runtime.transact(_case_of, job)
        found = await kinds[job["kind"]](runtime, row)
        await runtime.transact(_end, runtime.id, job, found)
    except Exception as error:
        if is_transient(error):
            raise
        log.warning("job.failed", kind=job["kind"], case_id=job["case_id"], error=describe_error(error))
        await runtime.transact(_fail, runtime.id, job, describe_error(error), waits=isinstance(error, NotThere))
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
    return True


async def _renew(runtime: Runtime, job: Row) -> None:
    while True:
        await asyncio.sleep(RENEWED)
        with suppress(Exception):  # the database is away: the lease runs out, and whoever is there takes the job
            until = runtime.wall_clock() + LEASE
            async with runtime.database.connect() as connection:
                await connection.execute(
                    *bind_named(RENEW, until=until, id=job["id"], me=runtime.id, attempts=job["attempts"])
                )


async def _case_of(work: UnitOfWork, job: Row) -> Row:
    row = await work.fetch_row("SELECT * FROM cases WHERE id = :id", id=job["case_id"])
    if row is None:
        raise LookupError("a job without a case")
    return row


async def _held(work: UnitOfWork, holder: Any, job: Row) -> tuple[Row, Case] | None:
    """The job's case, locked; None where the job is somebody else's now or has been called off."""
    employee = await work.fetch_value("SELECT employee_id FROM cases WHERE id = :id", id=job["case_id"])
    await lock_people(work, changing=[employee])
    found = await cases.load(work, job["case_id"])
    mine = await work.fetch_value(
        """
        SELECT 1 FROM jobs WHERE id = :id AND status = 'running' AND holder = :holder AND attempts = :attempts FOR UPDATE
        """,
        id=job["id"],
        holder=holder,
        attempts=job["attempts"],
    )
    return found if mine else None


async def _end(work: UnitOfWork, holder: Any, job: Row, found: Found) -> None:
    held = await _held(work, holder, job)
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
    await moving.reply(work, row, case, Reply(job["id"], facts=facts))


async def _fail(work: UnitOfWork, holder: Any, job: Row, error: str, waits: bool) -> None:
    held = await _held(work, holder, job)
    if held is None:
        return
    over = job["attempts"] >= TRIES and not waits
    await work.execute(
        "UPDATE jobs SET status = :status, run_at = :at, error = :error WHERE id = :id",
        status="failed" if over else "queued",
        at=work.now + timedelta(seconds=min(2 ** job["attempts"], 60)),
        error=error,
        id=job["id"],
    )
    if over:
        await moving.reply(work, *held, Reply(job["id"], "failed", "job_failed"))
