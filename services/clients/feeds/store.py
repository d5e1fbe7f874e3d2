"""What cases and plans read: the clients of one owner of record with figures, team places, load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.clients.holdings.store.owners import ACTING_OWNER_SQL
from services.clients.register.store import CLIENT_TABLES_SQL, CLIENT_VALUE_SQL
from services.clients.relationships.rules import get_year_before
from services.clients.relationships.store import INTERACTION_WEIGHT_SQL
from shared.contracts.clients import Ownership
from shared.database import UnitOfWork

PORTFOLIO_PAGE_SIZE = 500

LIST_PORTFOLIO_SQL = f"""
    SELECT c.client_id, {ACTING_OWNER_SQL} AS owner_id, c.owner_id AS record_owner_id, p.effort,
           CAST(CAST({CLIENT_VALUE_SQL} AS numeric(28, 2)) AS text) AS value, p.status,
           CAST(p.expected_value AS text) AS expected_value, p.regions, p.languages,
           coalesce((SELECT jsonb_object_agg(t.function, t.employee_id) FROM team t WHERE t.client_id = c.client_id), '{{}}')
               AS team,
           met.known_by, met.scores
    FROM {CLIENT_TABLES_SQL} CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(employee_id, n), '{{}}') AS known_by,
               coalesce(jsonb_object_agg(employee_id, score), '{{}}') AS scores
        FROM (SELECT employee_id, count(*) AS n, sum({INTERACTION_WEIGHT_SQL}) AS score
              FROM interactions JOIN people USING (employee_id)
              WHERE client_id = c.client_id AND at > :since AND at <= :now
              AND (status IS DISTINCT FROM 'left' OR employee_id = :employee_id) GROUP BY employee_id) i
    ) met
    WHERE c.owner_id = :employee_id AND c.client_id > :after ORDER BY c.client_id LIMIT {PORTFOLIO_PAGE_SIZE}
"""


@dataclass(frozen=True, slots=True)
class PortfolioClient:
    """`known_by` counts who met the client in 12 months, `scores` weighs it. `reads`, `exports`: of its owner, if looked at."""

    client_id: str
    owner_id: str
    record_owner_id: str
    effort: float
    value: str
    status: str
    expected_value: str | None
    regions: Sequence[str]
    languages: Sequence[str]
    team: Mapping[str, str]
    known_by: Mapping[str, int]
    scores: Mapping[str, float]
    reads: int = 0
    exports: int = 0


@dataclass(frozen=True, slots=True)
class TeamPlaceWithOwner:
    """A place in the team of a client, and the client's acting owner."""

    client_id: str
    function: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class OwnerLoad:
    """What weighs on an acting owner: effort points and how many clients."""

    employee_id: str
    effort: float
    clients: int


async def list_portfolio(work: UnitOfWork, employee_id: str, after: str) -> list[PortfolioClient]:
    """The next clients of this owner of record, by id."""
    return await work.fetch_all(
        PortfolioClient,
        LIST_PORTFOLIO_SQL,
        employee_id=employee_id,
        after=after,
        since=get_year_before(work.now),
        day=work.today.isoformat(),
    )


async def list_team_places_with_owners(
    work: UnitOfWork, employee_id: str, after: tuple[str, str]
) -> list[TeamPlaceWithOwner]:
    """The next places of this person in teams, by client and function."""
    return await work.fetch_all(
        TeamPlaceWithOwner,
        f"""
        SELECT t.client_id, t.function, {ACTING_OWNER_SQL} AS owner_id
        FROM team t JOIN clients c USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id
        WHERE t.employee_id = :employee_id AND (t.client_id, t.function) > (:client, :function)
        ORDER BY t.client_id, t.function LIMIT 1000
        """,
        employee_id=employee_id,
        client=after[0],
        function=after[1],
    )


async def list_owner_loads(work: UnitOfWork) -> list[OwnerLoad]:
    return await work.fetch_all(
        OwnerLoad,
        f"""
        SELECT {ACTING_OWNER_SQL} AS employee_id, sum(p.effort) AS effort, count(*) AS clients
        FROM clients c JOIN profiles p USING (client_id) LEFT JOIN people o ON o.employee_id = c.owner_id
        GROUP BY 1 ORDER BY 1
        """,
    )


async def list_ownership(work: UnitOfWork, after: str) -> list[Ownership]:
    """The next thousand clients with their owners of record, by id."""
    return await work.fetch_all(
        Ownership,
        """
        SELECT client_id, owner_id AS to_id, version AS sequence FROM clients WHERE client_id > :after
        ORDER BY client_id LIMIT 1000
        """,
        after=after,
    )


async def list_frozen_employees(work: UnitOfWork) -> list[str]:
    return await work.fetch_values("SELECT employee_id FROM people WHERE frozen ORDER BY 1")
