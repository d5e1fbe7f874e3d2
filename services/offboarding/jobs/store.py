"""The queue of jobs: taking one, renewing its lease."""

TAKE_JOB_SQL = """
    UPDATE jobs SET status = 'running', holder = :me, lease_until = :until, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM jobs
        WHERE (status = 'queued' AND run_at <= :now)
              OR (status = 'running' AND (lease_until < :wall OR :alone))
        ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, case_id, kind, attempts
"""

RENEW_LEASE_SQL = "UPDATE jobs SET lease_until = :until WHERE id = :id AND holder = :me AND attempts = :attempts"
