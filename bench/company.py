"""A made company straight in the tables of `clients`: any size in seconds, the same at every run."""

import random
from collections.abc import Iterator

import asyncpg

from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion

EMPLOYEES, DEPARTMENTS = 1_000, 40

# Client `c-n` is owned by `e-(n mod employees)` and served by the colleague seven places further on; `e-0` to `e-39` head.
PEOPLE_SQL = f"""
    INSERT INTO people (employee_id, heard, employment_id, status, department_id, manager_id, hired_on)
    SELECT 'e-' || n, 1, 'm-' || n, 'active', 'd-' || n % {DEPARTMENTS}, 'e-' || n % {DEPARTMENTS}, '2020-01-01'
    FROM generate_series(0, {{employees}} - 1) n;
    INSERT INTO heads (department_id, head_id, distance)
    SELECT 'd-' || n, 'e-' || n, 0 FROM generate_series(0, {DEPARTMENTS - 1}) n;
    INSERT INTO surrogates (id, kind) SELECT employee_id, 'employee' FROM people;
"""
CLIENTS_SQL = """
    INSERT INTO clients (client_id, owner_id, surrogate)
    SELECT 'c-' || n, {owner}, gen_random_uuid() FROM generate_series({first}, {last}) n;
    INSERT INTO surrogates (id, kind, surrogate)
    SELECT client_id, 'client', surrogate FROM clients ON CONFLICT DO NOTHING;
    INSERT INTO team (client_id, function, employee_id)
    SELECT 'c-' || n, 'engineering', 'e-' || (n + 7) % {employees} FROM generate_series({first}, {last}) n;
    INSERT INTO history (client_id, kind, to_id, at, by_id, leaf)
    SELECT 'c-' || n, 'registered', {owner}, now(), 'import', gen_random_uuid() FROM generate_series({first}, {last}) n;
    INSERT INTO portfolios (owner_id, clients) SELECT owner_id, count(*) FROM clients GROUP BY 1
    ON CONFLICT (owner_id) DO UPDATE SET clients = excluded.clients;
"""

# What else stands in the tables of a registered client.
PROFILES_SQL = """
    INSERT INTO profiles (client_id, name, value, effort, regions, languages, contacts, registered_at, fingerprint)
    SELECT client_id, 'Client ' || client_id, 1000, 1, '["north"]', '["en"]',
           jsonb_build_array(jsonb_build_object('id', 'k-1', 'name', 'Contact of ' || client_id,
                                                'email', client_id || '@example.org', 'phone', '+49 30 901820')),
           now(), ''
    FROM clients;
"""


async def fill_company(url: str, clients: int, employees: int = EMPLOYEES) -> None:
    """People, and `clients` clients spread over them."""
    owner = f"'e-' || n % {employees}"
    await run_statements(url, people_sql(employees), clients_sql(owner, 0, clients, employees))


def people_sql(employees: int = EMPLOYEES) -> str:
    """SQL that makes `e-0`, `e-1`…"""
    return PEOPLE_SQL.format(employees=employees)


def clients_sql(owner: str, first: int, count: int, employees: int = EMPLOYEES) -> str:
    """SQL that makes clients from number `first` on, each of the SQL expression `owner` of its number `n`."""
    return CLIENTS_SQL.format(owner=owner, first=first, last=first + count - 1, employees=employees)


async def run_statements(url: str, *statements: str) -> None:
    """Runs them, and leaves tables as they are on an ordinary day: analysed, all-visible, nothing to write back."""
    connection = await asyncpg.connect(url)
    try:
        for sql in statements:
            await connection.execute(sql, timeout=600)
        await vacuum_tables(connection)
    finally:
        await connection.close()


# Decisions as the sequencer keeps them, of the month of which the partition is; indexed when they are all there.
JOURNAL_SQL = """
    CREATE TABLE journal_2020_01 (LIKE journal INCLUDING DEFAULTS);
    INSERT INTO journal_2020_01 (month, index, id, leaf, at, kind, actor, employee, client, action, reason, system)
    SELECT '2020-01-01', n, n, gen_random_uuid(), timestamptz '2020-01-01' + n * interval '0.2 s', 'access.checked',
           (SELECT surrogate FROM surrogates LIMIT 1), e.surrogate, c.surrogate, 'read', 'owner', 'crm'
    FROM generate_series(0, {rows} - 1) n
    JOIN (SELECT surrogate, row_number() OVER () - 1 AS nth FROM surrogates WHERE kind = 'employee') e
        ON e.nth = n % {employees}
    JOIN (SELECT surrogate, row_number() OVER () - 1 AS nth FROM clients) c ON c.nth = n % {clients};
    ALTER TABLE journal ATTACH PARTITION journal_2020_01 FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
    INSERT INTO journal_months (month, first, next) VALUES ('2020-01-01', 0, {rows});
    UPDATE journal_tree SET size = {rows};
"""


async def fill_journal(url: str, rows: int, clients: int, employees: int = EMPLOYEES) -> None:
    """A journal of so many decisions; its tiles are left out, which no decision reads."""
    await run_statements(url, JOURNAL_SQL.format(rows=rows, clients=clients, employees=employees))


async def vacuum_tables(connection: asyncpg.Connection) -> None:
    await connection.execute("VACUUM (ANALYZE)", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)


def draw_questions(clients: int, employees: int = EMPLOYEES) -> Iterator[AccessQuestion]:
    """Without end: of the owner, of the team, and of somebody without a relation, in turn; asked by a service."""
    draw = random.Random("questions")
    while True:
        for place in (0, 7, 500):
            client = draw.randrange(clients)
            yield AccessQuestion(
                f"e-{(client + place) % employees}", f"c-{client}", "read", "telephony", REACH_EVERYBODY
            )
