"""The months of the journal stay one run of leaves each, whatever the clocks of replicas say."""

from pathlib import Path

from services.clients.archive.handlers import archive_oldest_month
from services.clients.journal.handlers import append_pending_entries
from tests.services.clients.test_sequencing import fill
from tests.services.clients.town import town


async def test_a_replica_whose_clock_is_behind_at_the_turn_of_a_month_does_not_open_the_last_one_again() -> None:
    async with town() as here:
        runtime = here.house.runtime("clients")
        for months in (1, -1, 1):
            await fill(here, 10)
            await append_pending_entries(runtime)
            here.house.clock.move(months=months)
        months = await here.house.rows("clients", "SELECT first, next FROM journal_months ORDER BY month")
        assert [(row["first"], row["next"]) for row in months] == [(0, 10), (10, 30)]
        kept = "SELECT count(*) AS n, min(index) AS first, max(index) + 1 AS next FROM journal GROUP BY month ORDER BY month"
        assert [tuple(row.values()) for row in await here.house.rows("clients", kept)] == [(10, 0, 10), (20, 10, 30)]


async def test_what_was_appended_by_a_clock_that_is_behind_is_archived_and_proves_itself(tmp_path: Path) -> None:
    async with town("anna", journal_keep=2, journal_archive=tmp_path) as here:
        runtime = here.house.runtime("clients")
        for months in (1, -1, 1, 5):
            await fill(here, 10)
            await append_pending_entries(runtime)
            here.house.clock.move(months=months)
        gone = 0
        while await archive_oldest_month(runtime):
            gone += 1
        assert gone == 2
        assert await here.house.scalar("clients", "SELECT count(*) FROM journal_months WHERE archived_at IS NULL") == 0
