"""The exposure of one person in a company with 1,000,000 reports of use against the same with 10,000."""

from datetime import UTC, datetime
from functools import partial

from bench.company import fill_company, run_statements
from bench.figures import FigureRow, create_service_database, format_ms, p50
from bench.timing import time_in_turn
from services.clients.exposure.handlers import read_exposure
from shared.database import Database, UnitOfWork, open_database, rolled_back_transaction
from shared.paging import Paging
from shared.settings import Settings

SMALL, LARGE, OWN = 10_000, 1_000_000, 2_000
CLIENTS, ROUNDS, CALLS = 10_000, 20, 3
LEAVER = "e-500"

# `OWN` of them are the leaver's, in both companies; the others' are spread over everybody else.
REPORTS_SQL = """
    INSERT INTO usage (item, employee_id, client_id, action, rows, at, system)
    SELECT gen_random_uuid(), CASE WHEN n <= {own} THEN '{leaver}' ELSE 'e-' || n % 500 END,
           'c-' || n % CASE WHEN n <= {own} THEN 200 ELSE {clients} END,
           CASE WHEN n % 40 = 0 THEN 'export' ELSE 'read' END, 1 + n % 3,
           date_trunc('day', now()) - make_interval(days => CAST(n * 7 % 300 AS int), hours => CAST(n % 6 AS int)), 'crm'
    FROM generate_series(1, {reports}) n;
    UPDATE people SET status = 'resigned' WHERE employee_id = '{leaver}';
    INSERT INTO notices (employee_id, employment_id, notice_on)
    SELECT employee_id, employment_id, current_date FROM people WHERE employee_id = '{leaver}';
"""


async def sum_exposure(database: Database) -> object:
    async with database.connect() as connection, rolled_back_transaction(connection):
        work = UnitOfWork(connection, Settings(), "clients", datetime.now(UTC), "director")
        found = await read_exposure(work, LEAVER, 90, frozenset({"director"}), Paging(100, None))
        return found.totals


async def measure(large: int = LARGE, small: int = SMALL, rounds: int = ROUNDS) -> list[FigureRow]:
    databases = []
    for reports in (large, small):
        url = await create_service_database("clients", f"bench_exposure_{reports}")
        await fill_company(url, CLIENTS)
        await run_statements(url, REPORTS_SQL.format(reports=reports, own=OWN, leaver=LEAVER, clients=CLIENTS))
        databases.append(open_database(url, 2))
    alike, other = [await sum_exposure(database) for database in databases]
    if alike != other:
        raise SystemExit("the leaver's use is not the same in both companies")
    of_large, of_small = await time_in_turn([partial(sum_exposure, database) for database in databases], rounds, CALLS)
    for database in databases:
        await database.close()
    return [
        FigureRow(
            figure=f"exposure of one person among {large:,} reports of use, p50",
            value=format_ms(p50(of_large)),
            against=f"the same among {small:,}: {format_ms(p50(of_small))}",
            ratio=round(p50(of_large) / p50(of_small), 2),
            aim="≤ 1.5",
            note=f"{OWN:,} reports are of this person in both: what others use must not slow it",
        )
    ]
