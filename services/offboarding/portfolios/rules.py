"""Clients, team places, open stages and loads, as `clients` and `orders` describe them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PortfolioClient:
    """A client of record. `scores`: how well it is known by whom; `reads`, `exports`: of the leaver, lately."""

    client_id: str
    owner_id: str
    status: str
    effort: float
    value: float
    regions: Sequence[str]
    languages: Sequence[str]
    team: Mapping[str, str]
    scores: Mapping[str, float]
    reads: int
    exports: int


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """A place in the team of a client."""

    client_id: str
    function: str
    owner_id: str | None


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage not yet completed. `taken`: who does the other stages of the order; `apart`: which must be in other hands."""

    order_id: str
    client_id: str
    stage: str
    function: str
    effort: float
    taken: Mapping[str, str | None]
    apart: Sequence[str]


@dataclass(frozen=True, slots=True)
class Load:
    """Effort points that weigh on somebody's function."""

    employee_id: str
    function: str
    points: float


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """Of the orders of a client between two days. `revenue` is a decimal number as text."""

    client_id: str
    revenue: str
    orders: int
    delivered: int
    on_time: int
