"""On whom each of 1,000,000 clients hangs, computed anew for all, against the same for 100,000."""

from datetime import UTC, datetime

from bench.company import fill_company, run_statements
from bench.figures import FigureRow, create_service_database
from bench.timing import time_call
from services.clients.risks.handlers import recompute_single_threaded_clients
from shared.database import Database, UnitOfWork, open_database
from shared.settings import Settings

SMALL, LARGE = 100_000, 1_000_000
AIM = 60  # seconds

# Each client was met four times by two or three of us, one of these times too long ago, and ordered once or twice.
INTERACTIONS_SQL = """
    INSERT INTO profiles (client_id, name, value, effort, regions, languages, contacts, registered_at, fingerprint)
    SELECT 'c-' || n, 'Client ' || n, CASE WHEN n % 3 = 0 THEN n % 1000 END, 1, '[]', '[]', '[]', now(), ''
    FROM generate_series(0, {clients} - 1) n;
    INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, by_id)
    SELECT 'i-' || n || '-' || time, 'c-' || n, 'e-' || (n + CASE WHEN n % 4 = 0 THEN 0 ELSE time / 2 END) % 1000,
           (ARRAY['meeting', 'call', 'mail', 'meeting'])[1 + (n + time) % 4],
           now() - make_interval(days => CAST(1 + (n * 7 + time * 120) % 400 AS int)), 'crm'
    FROM generate_series(0, {clients} - 1) n, generate_series(0, 3) time;
    INSERT INTO client_orders (order_id, client_id, value, placed_on, status, sequence)
    SELECT 'o-' || n, 'c-' || n * 2 % {clients}, 100, current_date - CAST(n % 500 AS int), 'delivered', 1
    FROM generate_series(0, {clients} - 1) n;
"""
# What a day brings: some met, some resigned.
NEXT_DAY_SQL = """
    INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, by_id)
    SELECT 'j-' || n, 'c-' || n, 'e-' || (n + 500) % 1000, 'meeting', now(), 'crm'
    FROM generate_series(0, {clients} - 1, 100) n;
    UPDATE people SET status = 'resigned' WHERE employee_id IN ('e-7', 'e-8');
"""


async def compute_risks(database: Database) -> int:
    async with database.connect() as connection, connection.transaction():
        work = UnitOfWork(connection, Settings(), "clients", datetime.now(UTC), "ops")
        return (await recompute_single_threaded_clients(work)).changed


async def time_risks(clients: int) -> tuple[float, float, int]:
    """Seconds of the first time and of a day later, and how many clients that day changed."""
    url = await create_service_database("clients", f"bench_risk_{clients}")
    await fill_company(url, clients)
    await run_statements(url, INTERACTIONS_SQL.format(clients=clients))
    database, changed = open_database(url, 2), 0

    async def again() -> None:
        nonlocal changed
        changed = await compute_risks(database)

    first = await time_call(again)
    if changed != clients:
        raise SystemExit("not all clients were computed")
    await run_statements(url, NEXT_DAY_SQL.format(clients=clients))
    later = await time_call(again)
    await database.close()
    return first, later, changed


async def measure(large: int = LARGE, small: int = SMALL) -> list[FigureRow]:
    _, of_small, _ = await time_risks(small)
    first, of_large, changed = await time_risks(large)
    return [
        FigureRow(
            figure=f"on whom each of {large:,} clients hangs, computed anew after a day",
            value=f"{of_large:.1f} s",
            against=f"the same for {small:,}: {of_small:.1f} s",
            ratio=round(of_large / of_small / (large / small), 2),
            aim=f"< {AIM} s",
            note=f"{first:.1f} s the first time; {changed:,} changed; four meetings, calls or mails each; ratio: per client",
        )
    ]
