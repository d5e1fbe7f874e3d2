"""Kept answers to requests with an `Idempotency-Key`, where what they say must not be kept any longer."""

from shared.database import UnitOfWork

DELETE_ANSWERS = """
    DELETE FROM idempotency_keys k WHERE principal = ANY(:ids) OR principal = ANY(:frozen)
    OR EXISTS (SELECT 1 FROM unnest(CAST(:ids AS text[])) AS gone (id)
               WHERE position('"' || gone.id || '"' IN CAST(k.result AS text)) > 0)
"""


async def delete_kept_answers(work: UnitOfWork, *ids: str) -> int:
    """Deletes all that were given to one of these or mention it; how many. The rest goes after 7 days by itself."""
    return await work.execute(DELETE_ANSWERS, ids=list(ids), frozen=[f"{id} (frozen)" for id in ids])
