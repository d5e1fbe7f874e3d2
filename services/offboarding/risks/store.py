"""What the assessment found of each client."""

import asyncio
import json
from collections.abc import Sequence

from services.offboarding.risks.rules import ClientRisk
from shared.database import UnitOfWork
from shared.records import get_fields


async def replace_risks(work: UnitOfWork, case_id: str, risks: Sequence[ClientRisk]) -> None:
    await work.execute("DELETE FROM risks WHERE case_id = :case_id", case_id=case_id)
    await work.execute(
        """
        INSERT INTO risks (case_id, client_id, rank, score, why)
        SELECT :case_id, client_id, rank, score, reasons
        FROM jsonb_to_recordset(CAST(:risks AS jsonb)) AS r (client_id text, rank int, score float, reasons jsonb)
        """,
        case_id=case_id,
        risks=await asyncio.to_thread(json.dumps, risks, default=get_fields),
    )


async def count_risks(work: UnitOfWork, case_id: str) -> int:
    """How many clients were ranked."""
    return int(await work.fetch_value("SELECT count(*) FROM risks WHERE case_id = :case_id", case_id=case_id))
