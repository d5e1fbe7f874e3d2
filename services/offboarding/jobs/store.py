"""The queue of jobs: who computes which, and until when."""

from datetime import datetime
from uuid import UUID

from asyncpg import Connection

from services.offboarding.jobs.rules import Job
from shared.database import UnitOfWork, bind_named


async def take_job(
    connection: Connection, holder: UUID, lease_until: datetime, now: datetime, wall_time: datetime, is_alone: bool
) -> Job | None:
    """The next that is due, or whose lease has run out; that of who is alone is nobody else's, however new. Commits by itself."""
    row = await connection.fetchrow(
        *bind_named(
            """
            UPDATE jobs SET status = 'running', holder = :holder, lease_until = :until, attempts = attempts + 1
            WHERE id = (
                SELECT id FROM jobs
                WHERE (status = 'queued' AND run_at <= :now)
                      OR (status = 'running' AND (lease_until < :wall OR :alone))
                ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING id, case_id, kind, attempts, CAST(holder AS text) AS holder
            """,
            holder=holder,
            until=lease_until,
            now=now,
            wall=wall_time,
            alone=is_alone,
        )
    )
    return Job(**row) if row else None


async def extend_lease(connection: Connection, job: Job, lease_until: datetime) -> None:
    """Nothing where the job is somebody else's now. Commits by itself."""
    await connection.execute(
        *bind_named(
            "UPDATE jobs SET lease_until = :until WHERE id = :id AND CAST(holder AS text) = :holder AND attempts = :attempts",
            until=lease_until,
            **vars(job),
        )
    )


async def lock_job_if_still_held(work: UnitOfWork, job: Job) -> bool:
    """False where the job is somebody else's now or has been called off."""
    return bool(
        await work.fetch_value(
            """
            SELECT 1 FROM jobs
            WHERE id = :id AND status = 'running' AND CAST(holder AS text) = :holder AND attempts = :attempts FOR UPDATE
            """,
            **vars(job),
        )
    )


async def insert_job(work: UnitOfWork, item_id: str, case_id: str, kind: str) -> None:
    """One job per item of the case; asked again, it is queued again."""
    await work.execute(
        """
        INSERT INTO jobs (id, case_id, kind, status, run_at) VALUES (:id, :case_id, :kind, 'queued', :now)
        ON CONFLICT (id) DO UPDATE SET status = 'queued', attempts = 0, run_at = excluded.run_at, error = NULL
        """,
        id=item_id,
        case_id=case_id,
        kind=kind,
    )


async def update_job_done(work: UnitOfWork, job: Job) -> None:
    await work.execute("UPDATE jobs SET status = 'done', error = NULL WHERE id = :id", id=job.id)


async def update_job_queued(work: UnitOfWork, job: Job, run_at: datetime) -> None:
    """It has succeeded, and runs again then."""
    await work.execute(
        "UPDATE jobs SET status = 'queued', attempts = 0, run_at = :run_at WHERE id = :id", id=job.id, run_at=run_at
    )


async def update_job_failed(work: UnitOfWork, job: Job, error: str, retry_at: datetime | None) -> None:
    """Without `retry_at` it is given up."""
    await work.execute(
        "UPDATE jobs SET status = :status, run_at = coalesce(:retry_at, run_at), error = :error WHERE id = :id",
        id=job.id,
        status="queued" if retry_at else "failed",
        retry_at=retry_at,
        error=error,
    )


async def cancel_jobs(work: UnitOfWork, case_id: str) -> None:
    await work.execute(
        "UPDATE jobs SET status = 'cancelled' WHERE case_id = :id AND status IN ('queued', 'running')", id=case_id
    )
