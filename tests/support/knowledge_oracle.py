"""On whom a client hangs, in Python: what tests compare the SQL of `clients` with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.clients.relationships.rules import (
    INTERACTION_WEIGHTS,
    MIN_KNOWING_SCORE,
    DependencyReason,
    InteractionKind,
)


def compute_acquaintance_score(met: Mapping[InteractionKind, int]) -> Decimal:
    return sum((INTERACTION_WEIGHTS[kind] * number for kind, number in met.items()), Decimal(0))


@dataclass(frozen=True)
class Acquaintance:
    """One of us who works here, and how well they know a client. `stays`: they are neither leaving nor frozen."""

    employee_id: str
    score: Decimal
    stays: bool

    @property
    def knows(self) -> bool:
        return self.score >= MIN_KNOWING_SCORE


@dataclass(frozen=True)
class ClientDependency:
    """By how many who stay a client is known. If by one at most it hangs on `alone_id`, and `why` says how."""

    known_by: int
    alone_id: str | None = None
    why: DependencyReason | None = None


def find_client_dependency(acquaintances: Iterable[Acquaintance], owner_id: str, owner_stays: bool) -> ClientDependency:
    """If nobody knows the client, whoever has it in hand counts as the one.

    Whom only people know who are leaving hangs on the best known of them: it goes where they go.
    """
    known = sorted((one for one in acquaintances if one.knows), key=lambda one: (-one.score, one.employee_id))
    staying = [one for one in known if one.stays]
    if len(staying) > 1:
        return ClientDependency(len(staying))
    if staying:
        return ClientDependency(1, staying[0].employee_id, "known_by_one")
    if known:
        return ClientDependency(0, known[0].employee_id, "only_leaving")
    return ClientDependency(int(owner_stays), owner_id, "owner_alone")
