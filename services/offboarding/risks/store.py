"""What the assessment found of each client."""

from shared.database import UnitOfWork


async def replace_risks(work: UnitOfWork, case_id: str, risks_as_json: str) -> None:
    """`risks_as_json`: a list of client, rank, score and why."""
    await work.execute("DELETE FROM risks WHERE case_id = :case_id", case_id=case_id)
    await work.execute(
        """
        INSERT INTO risks (case_id, client_id, rank, score, why)
        SELECT :case_id, client_id, rank, score, why
        FROM jsonb_to_recordset(CAST(:risks AS jsonb)) AS r (client_id text, rank int, score float, why jsonb)
        """,
        case_id=case_id,
        risks=risks_as_json,
    )


async def count_risks(work: UnitOfWork, case_id: str) -> int:
    """How many clients were ranked."""
    return int(await work.fetch_value("SELECT count(*) FROM risks WHERE case_id = :case_id", case_id=case_id))
