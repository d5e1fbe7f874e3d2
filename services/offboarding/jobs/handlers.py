"""Takes the next job, computes it outside of any transaction, and hands its end to the case.

A lease says who computes; it is renewed while that process lives and taken over when it does not. What somebody finds
out who has lost the lease, or for a case that has moved on, is thrown away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.offboarding.cases.rules import CaseRecord
from services.offboarding.cases.runner import apply_replies
from services.offboarding.cases.store import get_case, lock_case
from services.offboarding.jobs import store
from services.offboarding.jobs.rules import LEASE_DURATION, Job, choose_retry_time
from services.offboarding.portfolios.requests import ServiceUnreachable
from services.offboarding.saga import Case, Reply
from shared.database import UnitOfWork, is_transient
from shared.outbox.waiting import describe_error
from shared.people.store import lock_people
from shared.service import Runtime

log = structlog.get_logger()

RENEWAL_SECONDS = 8.0


@dataclass(frozen=True)
class JobResult:
    """What a job has computed: `write(work, record, case)` stores it and gives the facts for the case.

    With `again_at` the job is not over: it runs again then.
    """

    write: Callable[[UnitOfWork, CaseRecord, Case], Awaitable[Mapping[str, int]]]
    again_at: datetime | None = None


Computation = Callable[[Runtime, CaseRecord], Awaitable[JobResult]]


async def run_next_job(runtime: Runtime, computations: Mapping[str, Computation]) -> bool:
    """Runs one job, if any is due; returns whether there was one."""
    wall = runtime.wall_clock()
    async with runtime.database.connect() as connection:
        job = await store.take_job(
            connection, runtime.id, wall + LEASE_DURATION, runtime.clock(), wall, runtime.is_only_replica
        )
    if job is None:
        return False
    renewing = asyncio.create_task(_renew_lease(runtime, job))
    try:
        record = await runtime.transact(get_case, job.case_id)
        result = await computations[job.kind](runtime, record)
        await runtime.transact(_end_job, job, result)
    except Exception as error:
        if is_transient(error):
            raise
        log.warning("job.failed", kind=job.kind, case_id=job.case_id, error=describe_error(error))
        await runtime.transact(_fail_job, job, describe_error(error), not isinstance(error, ServiceUnreachable))
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
    return True


async def _renew_lease(runtime: Runtime, job: Job) -> None:
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        with suppress(Exception):  # the database is away: the lease runs out, and whoever is there takes the job
            async with runtime.database.connect() as connection:
                await store.extend_lease(connection, job, runtime.wall_clock() + LEASE_DURATION)


async def _lock_case_of_job(work: UnitOfWork, job: Job) -> tuple[CaseRecord, Case] | None:
    """None where the job is somebody else's now or has been called off."""
    leaver_id = (await get_case(work, job.case_id)).employee_id
    await lock_people(work, for_update=[leaver_id])
    locked = await lock_case(work, job.case_id)
    return locked if await store.lock_job_if_still_held(work, job) else None


async def _end_job(work: UnitOfWork, job: Job, result: JobResult) -> None:
    locked = await _lock_case_of_job(work, job)
    if locked is None:
        return
    record, case = locked
    facts = await result.write(work, record, case)
    if result.again_at is not None:
        await store.update_job_queued(work, job, result.again_at)
        return
    await store.update_job_done(work, job)
    await apply_replies(work, record, case, Reply(job.id, facts=facts))


async def _fail_job(work: UnitOfWork, job: Job, error: str, is_our_failure: bool) -> None:
    locked = await _lock_case_of_job(work, job)
    if locked is None:
        return
    retry_at = choose_retry_time(job, work.now, is_our_failure)
    await store.update_job_failed(work, job, error, retry_at)
    if retry_at is None:
        await apply_replies(work, *locked, Reply(job.id, "failed", "job_failed"))
