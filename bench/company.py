"""A made company straight in the tables of `clients`: any size in seconds, the same at every run."""

import random
from collections.abc import Iterator

import asyncpg

from services.clients.store.checks import EVERYBODY, Question

EMPLOYEES, DEPARTMENTS = 1_000, 40

# Client `c-n` is owned by `e-(n mod 1000)` and served by the colleague seven places further on; `e-0` to `e-39` head.
PEOPLE = f"""
    INSERT INTO people (employee_id, heard, employment_id, status, department_id, manager_id, hired_on)
    SELECT 'e-' || n, 1, 'm-' || n, 'active', 'd-' || n % {DEPARTMENTS}, 'e-' || n % {DEPARTMENTS}, '2020-01-01'
    FROM generate_series(0, {EMPLOYEES - 1}) n;
    INSERT INTO heads (department_id, head_id, distance)
    SELECT 'd-' || n, 'e-' || n, 0 FROM generate_series(0, {DEPARTMENTS - 1}) n;
    INSERT INTO surrogates (id, kind) SELECT employee_id, 'employee' FROM people;
"""
CLIENTS = """
    INSERT INTO clients (client_id, owner_id, surrogate)
    SELECT 'c-' || n, {owner}, gen_random_uuid() FROM generate_series({first}, {last}) n;
    INSERT INTO surrogates (id, kind, surrogate)
    SELECT client_id, 'client', surrogate FROM clients ON CONFLICT DO NOTHING;
    INSERT INTO team (client_id, function, employee_id)
    SELECT 'c-' || n, 'engineering', 'e-' || (n + 7) % 1000 FROM generate_series({first}, {last}) n;
    INSERT INTO history (client_id, kind, to_id, at, by_id, leaf)
    SELECT 'c-' || n, 'registered', {owner}, now(), 'import', gen_random_uuid() FROM generate_series({first}, {last}) n;
    INSERT INTO portfolios (owner_id, clients) SELECT owner_id, count(*) FROM clients GROUP BY 1
    ON CONFLICT (owner_id) DO UPDATE SET clients = excluded.clients;
"""

# What else stands in the tables of a registered client.
PROFILES = """
    INSERT INTO profiles (client_id, name, value, effort, regions, languages, contacts, registered_at, fingerprint)
    SELECT client_id, 'Client ' || client_id, 1000, 1, '["north"]', '["en"]',
           jsonb_build_array(jsonb_build_object('id', 'k-1', 'name', 'Contact of ' || client_id,
                                                'email', client_id || '@example.org', 'phone', '+49 30 901820')),
           now(), ''
    FROM clients;
"""


async def make(url: str, clients: int) -> None:
    """People, and `clients` clients spread over them."""
    await load(url, PEOPLE, give("'e-' || n % 1000", 0, clients))


def give(owner: str, first: int, count: int) -> str:
    """SQL that makes clients from number `first` on, each of the SQL expression `owner` of its number `n`."""
    return CLIENTS.format(owner=owner, first=first, last=first + count - 1)


async def load(url: str, *statements: str) -> None:
    """Runs them, and leaves tables as they are on an ordinary day: analysed, all-visible, nothing to write back."""
    connection = await asyncpg.connect(url)
    try:
        for sql in statements:
            await connection.execute(sql, timeout=600)
        await settle(connection)
    finally:
        await connection.close()


async def settle(connection: asyncpg.Connection) -> None:
    await connection.execute("VACUUM (ANALYZE)", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)


def questions(clients: int) -> Iterator[Question]:
    """Without end: of the owner, of the team, and of somebody without a relation, in turn; asked by a service."""
    draw = random.Random("questions")
    while True:
        for place in (0, 7, 500):
            client = draw.randrange(clients)
            yield Question(f"e-{(client + place) % EMPLOYEES}", f"c-{client}", "read", "telephony", EVERYBODY)
