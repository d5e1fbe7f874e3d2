"""On whom each client hangs: computed for all by one statement, read a page or an employee at a time.

Whose a client is stays out of what is kept: it is asked when it is read, so that a freeze needs no computing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import Field

from services.clients.access.store.decision import allowed_client_ids_sql
from services.clients.holdings.store.owners import ACTING_OWNER_SQL, JOIN_ACTING_OWNER_SQL
from services.clients.register.store import HAS_ACTING_OWNER_SQL
from services.clients.relationships.rules import DependencyReason, get_year_before
from services.clients.relationships.store import (
    ALONE_SQL,
    DEPENDENCY_REASON_SQL,
    KNOWN_BY_SQL,
    knowing_employees_by_client_sql,
)
from shared.advisory_locks import AdvisoryLock
from shared.contracts.clients import ClientSingleThreaded
from shared.database import UnitOfWork
from shared.http.fields import Total

ANNOUNCED_AT_ONCE = 1_000
SMALL_COMPANY_ROWS = 30_000  # clients, interactions and orders: all can be computed while somebody waits, in 0.25 s

# For all clients at once. Only what changed is written.
UPDATE_RISKS_SQL = f"""
    MERGE INTO client_risks r USING (
        WITH known AS ({knowing_employees_by_client_sql()}), ordered AS (
            SELECT client_id, sum(value) AS value FROM client_orders
            WHERE status <> 'cancelled' AND placed_on > CAST(:today AS date) - interval '1 year'
            AND placed_on <= CAST(:today AS date) GROUP BY client_id
        )
        SELECT c.client_id, coalesce(p.value, ordered.value, CASE WHEN p.status = 'prospect' THEN p.expected_value END, 0)
                   AS value,
               {KNOWN_BY_SQL} AS known_by, {ALONE_SQL} AS alone_id, {DEPENDENCY_REASON_SQL} AS why
        FROM clients c JOIN profiles p USING (client_id)
        LEFT JOIN known k USING (client_id) LEFT JOIN ordered USING (client_id)
        {JOIN_ACTING_OWNER_SQL}
        WHERE p.status <> 'closed'
    ) f ON f.client_id = r.client_id
    WHEN MATCHED AND (r.value, r.known_by, r.alone_id, r.why) IS DISTINCT FROM (f.value, f.known_by, f.alone_id, f.why)
        THEN UPDATE SET value = f.value, known_by = f.known_by, alone_id = f.alone_id, why = f.why, computed_at = :now,
            told_id = CASE WHEN f.alone_id = r.told_id THEN r.told_id END
    WHEN NOT MATCHED BY TARGET THEN INSERT (client_id, value, known_by, alone_id, why, computed_at)
        VALUES (f.client_id, f.value, f.known_by, f.alone_id, f.why, :now)
    WHEN NOT MATCHED BY SOURCE THEN DELETE
"""

UPSERT_COMPUTATION_SQL = """
    INSERT INTO risks_computed AS n (at, day, clients, value)
    SELECT :now, CAST(:today AS date), count(*), coalesce(sum(value), 0) FROM client_risks
    ON CONFLICT (one) DO UPDATE SET at = excluded.at, day = excluded.day, clients = excluded.clients, value = excluded.value
    RETURNING at AS computed_at, clients
"""


@dataclass(frozen=True, slots=True)
class RiskComputation:
    """When it was computed, for which day of the company, and for how many clients."""

    at: datetime
    day: date
    client_count: int


@dataclass(frozen=True, slots=True)
class RisksRecomputed:
    """How many clients there are, and of how many it changed."""

    computed_at: datetime
    clients: int
    changed: int


async def get_last_computation(work: UnitOfWork) -> RiskComputation | None:
    return await work.fetch_one(RiskComputation, "SELECT at, day, clients AS client_count FROM risks_computed")


async def try_lock_computation(work: UnitOfWork) -> bool:
    """Until the end of the transaction nobody else computes; False if somebody does."""
    return bool(await work.fetch_value(f"SELECT pg_try_advisory_xact_lock({AdvisoryLock.RISKS:d})"))


async def update_single_threaded_clients_if_company_small(work: UnitOfWork) -> None:
    """For whoever looks, so that in a small company they see what is so now. Whoever computes already is not waited for."""
    few = await work.fetch_value(
        f"""SELECT count(*) <= {SMALL_COMPANY_ROWS} FROM (
            SELECT FROM clients UNION ALL SELECT FROM interactions UNION ALL SELECT FROM client_orders
            LIMIT {SMALL_COMPANY_ROWS + 1}) found"""
    )
    if few and await try_lock_computation(work):
        await update_single_threaded_clients(work)


async def update_single_threaded_clients(work: UnitOfWork) -> RisksRecomputed:
    """Computes it for all clients. Millions take longer, and more memory, than a statement of every day."""
    await work.fetch_rows(
        "SELECT set_config('statement_timeout', '900000', true), set_config('work_mem', '64MB', true)"
    )
    changed = await work.execute(UPDATE_RISKS_SQL, since=get_year_before(work.now))
    (recomputed,) = await work.fetch_all(partial(RisksRecomputed, changed=changed), UPSERT_COMPUTATION_SQL)
    return recomputed


# -- clients -----------------------------------------------------------------------------------------------------------

IS_IN_DEPARTMENT_SQL = """h.department_id IN (
    WITH RECURSIVE below AS (
        SELECT CAST(:department_id AS text) AS department_id UNION
        SELECT d.department_id FROM departments d JOIN below b ON d.parent_id = b.department_id)
    SELECT department_id FROM below)"""


# Null where there is nothing to have a share in.
SHARE_OF_COMPANY_SQL = "CAST(round({part} / nullif(n.value, 0), 6) AS double precision)"


@dataclass(frozen=True, slots=True)
class SingleThreadedClient:
    """Known by one at most who stays. `why`: that one (`known_by_one`); only people know it who are leaving or frozen
    (`only_leaving`); nobody does, so that it hangs on whoever has it in hand (`owner_alone`)."""

    client_id: str
    owner_id: str
    value: Total
    known_by: int
    alone_id: Annotated[str, Field(description="on whom it hangs")]
    why: DependencyReason
    share: Annotated[float | None, Field(description="of the value of all clients")]
    computed_at: Annotated[datetime, Field(description="since when this is so, as far as it was computed")]


async def list_single_threaded_clients(
    work: UnitOfWork,
    roles: frozenset[str],
    after: tuple[Decimal, str] | None,
    limit: int,
    owner_id: str | None = None,
    department_id: str | None = None,
) -> list[SingleThreadedClient]:
    """Clients that hang on one person, the most valuable first: the actor's own, those whom they head, or all."""
    own = allowed_client_ids_sql(roles, "list", ("owner", "caretaker", "head"))
    where = ["r.alone_id IS NOT NULL", *([f"r.client_id IN ({own})"] if own else [])]
    if owner_id is not None:
        where.append(HAS_ACTING_OWNER_SQL)
    if department_id is not None:
        where.append(IS_IN_DEPARTMENT_SQL)
    if after is not None:
        where.append("r.value <= :value AND (r.value < :value OR r.client_id > :after)")
    value, client_id = after or (None, None)
    return await work.fetch_all(
        SingleThreadedClient,
        f"""
        SELECT r.client_id, {ACTING_OWNER_SQL} AS owner_id, r.value, r.known_by, r.alone_id, r.why,
               {SHARE_OF_COMPANY_SQL.format(part="r.value")} AS share, r.computed_at
        FROM client_risks r LEFT JOIN risks_computed n ON true JOIN clients c ON c.client_id = r.client_id
        {JOIN_ACTING_OWNER_SQL}
        WHERE {" AND ".join(where)} ORDER BY r.value DESC, r.client_id LIMIT :limit
        """,
        owner_id=owner_id,
        department_id=department_id,
        value=value,
        after=client_id,
        limit=limit,
    )


# -- employees ---------------------------------------------------------------------------------------------------------

# What they have in hand, or had of record before somebody stood in.
GET_EMPLOYEE_RISK_SQL = f"""
    WITH own AS (
        SELECT client_id FROM clients
        WHERE owner_id IN (SELECT employee_id FROM people WHERE employee_id = :id OR stand_in_id = :id)
    ), sums AS (
        SELECT count(*) FILTER (WHERE own.client_id IS NOT NULL) AS clients,
               coalesce(sum(value) FILTER (WHERE own.client_id IS NOT NULL), 0) AS value,
               count(*) FILTER (WHERE alone_id = :id) AS alone_clients,
               coalesce(sum(value) FILTER (WHERE alone_id = :id), 0) AS alone_value,
               coalesce(sum(value) FILTER (WHERE alone_id = :id AND own.client_id IS NOT NULL), 0) AS own_alone_value
        FROM (
            SELECT client_id, value, alone_id FROM client_risks WHERE client_id IN (SELECT client_id FROM own) UNION
            SELECT client_id, value, alone_id FROM client_risks WHERE alone_id = :id
        ) r LEFT JOIN own USING (client_id)
    )
    SELECT CAST(:id AS text) AS employee_id, s.clients, s.value, s.alone_clients, s.alone_value,
           CAST(round(s.own_alone_value / nullif(s.value, 0), 6) AS double precision) AS share_of_own,
           {SHARE_OF_COMPANY_SQL.format(part="s.alone_value")} AS share_of_company, n.at AS computed_at
    FROM sums s LEFT JOIN risks_computed n ON true
"""


@dataclass(frozen=True, slots=True)
class TopSingleThreadedClient:
    client_id: str
    value: Total
    known_by: int
    why: DependencyReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeRisk:
    """Of the clients that they have in hand, or had until somebody stood in, and of all that hang on them alone."""

    employee_id: str
    clients: int
    value: Total
    alone_clients: int
    alone_value: Total
    share_of_own: Annotated[
        float | None, Field(description="how much of the value of their own clients hangs on them alone")
    ]
    share_of_company: Annotated[
        float | None, Field(description="how much of the value of all clients hangs on them alone")
    ]
    top: Annotated[
        list[TopSingleThreadedClient],
        Field(description="the most valuable that hang on them and that you may list; none for `hr`"),
    ]
    computed_at: datetime | None


async def get_employee_risk(work: UnitOfWork, employee_id: str) -> EmployeeRisk:
    """Without the clients of `top`."""
    (risk,) = await work.fetch_all(partial(EmployeeRisk, top=[]), GET_EMPLOYEE_RISK_SQL, id=employee_id)
    return risk


async def list_top_single_threaded_clients(
    work: UnitOfWork, employee_id: str, roles: frozenset[str], limit: int
) -> list[TopSingleThreadedClient]:
    """Of those that the actor may list."""
    own = allowed_client_ids_sql(roles, "list")
    return await work.fetch_all(
        TopSingleThreadedClient,
        f"""
        SELECT r.client_id, r.value, r.known_by, r.why FROM client_risks r
        WHERE r.alone_id = :id {f"AND r.client_id IN ({own})" if own else ""} ORDER BY r.value DESC, r.client_id LIMIT :limit
        """,
        id=employee_id,
        limit=limit,
        day=work.today.isoformat(),
    )


# -- announcing --------------------------------------------------------------------------------------------------------------


async def update_single_threaded_as_announced(work: UnitOfWork, min_value: Decimal) -> list[ClientSingleThreaded]:
    """Clients of at least this value that hang on somebody, of which that was not announced; from now on it counts as such."""
    return await work.fetch_all(
        ClientSingleThreaded,
        f"""
        UPDATE client_risks r SET told_id = r.alone_id
        FROM (SELECT client_id FROM client_risks
              WHERE alone_id IS NOT NULL AND value >= :least AND told_id IS DISTINCT FROM alone_id
              ORDER BY value DESC, client_id LIMIT {ANNOUNCED_AT_ONCE} FOR UPDATE SKIP LOCKED) u
        WHERE r.client_id = u.client_id RETURNING r.client_id, r.alone_id AS employee_id, CAST(r.value AS text) AS value
        """,
        least=min_value,
    )


async def delete_client_risk(work: UnitOfWork, client_id: str) -> None:
    await work.execute("DELETE FROM client_risks WHERE client_id = :id", id=client_id)
