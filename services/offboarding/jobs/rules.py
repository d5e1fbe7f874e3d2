"""A job, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE_DURATION = timedelta(seconds=30)
MAX_ATTEMPTS = 5  # failures of our own; that another service does not answer is waited out
LONGEST_PAUSE = 60  # seconds between attempts


@dataclass(frozen=True)
class Job:
    """Something to be computed for an item of a case, as it was taken by a replica."""

    id: str
    case_id: str
    kind: str
    attempts: int
    holder: str


def choose_retry_time(job: Job, now: datetime, is_our_failure: bool) -> datetime | None:
    """Later from attempt to attempt; None where it has failed often enough."""
    if job.attempts >= MAX_ATTEMPTS and is_our_failure:
        return None
    return now + timedelta(seconds=min(2**job.attempts, LONGEST_PAUSE))
