"""How the transferred clients do in the year after: revenue and on-time delivery against the year before."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from shared.database import UnitOfWork

Row = Mapping[str, Any]
YEAR = timedelta(days=365)
FIGURES = ("revenue", "orders", "delivered", "on_time")


async def transferred(work: UnitOfWork, case_id: str) -> Sequence[Row]:
    """Each client that moved in this case and who has it since."""
    return await work.fetch_rows(
        """
        SELECT DISTINCT ON (client_id) client_id, to_id FROM moves
        WHERE case_id = :id AND part IN ('client', 'left_client') AND outcome = 'done'
        ORDER BY client_id, version DESC, part DESC
        """,
        id=case_id,
    )


def compare(moved: Sequence[Row], after: Sequence[Row], before: Sequence[Row]) -> list[dict[str, Any]]:
    """Figures of both times side by side; a client of which nothing is known has zeroes."""
    now, then = ({one["client_id"]: one for one in figures} for figures in (after, before))
    return [
        {
            "client_id": one["client_id"],
            "successor_id": one["to_id"],
            **{name: now.get(one["client_id"], {}).get(name, 0) for name in FIGURES},
            **{f"{name}_before": then.get(one["client_id"], {}).get(name, 0) for name in FIGURES},
        }
        for one in moved
    ]


async def keep(work: UnitOfWork, case_id: str, since: date, until: date, parts: Sequence[str]) -> None:
    """`parts`: the rows that `compare` gives, as JSON."""
    await work.execute("DELETE FROM followups WHERE case_id = :id", id=case_id)
    for part in parts:
        await work.execute(
            """
            INSERT INTO followups (case_id, client_id, successor_id, since, until, revenue, revenue_before, orders, orders_before,
                                   delivered, delivered_before, on_time, on_time_before)
            SELECT :id, client_id, successor_id, :since, :until, revenue, revenue_before, orders, orders_before,
                   delivered, delivered_before, on_time, on_time_before
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (client_id text, successor_id text, revenue numeric,
                revenue_before numeric, orders int, orders_before int, delivered int, delivered_before int, on_time int,
                on_time_before int)
            """,
            id=case_id,
            since=since,
            until=until,
            rows=part,
        )
