"""Freezing by hand and lifting it again: nobody alone."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts.clients import GroundKind

FREEZING_ROLES: frozenset[str] = frozenset({"hr", "sales_head", "director", "ops"})
MANUAL_GROUNDS: frozenset[GroundKind] = frozenset({"emergency", "incident"})


@dataclass(frozen=True, slots=True)
class FreezeGround:
    """Why somebody is frozen."""

    kind: GroundKind
    ref: str
    case_id: str | None
    since: datetime
    reason: str | None
    by_id: str | None


@dataclass(frozen=True, slots=True)
class LiftingRequest:
    """Who asked first that a freeze is lifted."""

    by_id: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    """`in_force` says since when each service holds it; `lifting` who asked to lift it."""

    employee_id: str
    employment_id: str | None
    grounds: Sequence[FreezeGround] | None
    caretaker_id: str | None
    unowned: bool
    clients: int
    frozen_at: datetime
    in_force: Mapping[str, datetime]
    lifting: LiftingRequest | None

    def has_ground(self, kind: str, ref: str | None, by_id: str, reason: str) -> bool:
        """Whether it has this ground: of an incident the same one, else by the same person for the same reason."""
        return any(
            ground.kind == kind and (ground.ref == ref if ref else (ground.by_id, ground.reason) == (by_id, reason))
            for ground in self.grounds or ()
        )


@dataclass(frozen=True, slots=True)
class LiftResult:
    """`in_force` are the kinds of grounds that still freeze."""

    employee_id: str
    lifted: bool
    waiting_for: str | None
    in_force: Sequence[str]


def filter_manual_grounds(grounds: Iterable[GroundKind]) -> set[GroundKind]:
    """Of these kinds those that people lift: a departure is ended by its case, a hold by who confirms or rejects it."""
    return set(grounds) & MANUAL_GROUNDS


def is_second_person_in_another_role(first_by: str, first_roles: Set[str], by: str, roles: Set[str]) -> bool:
    """Whether this is another person who acts in another role than the first."""
    first, second = first_roles & FREEZING_ROLES, roles & FREEZING_ROLES
    return by != first_by and bool(second) and len(first | second) > 1


def hide_reasons(freeze: Freeze, roles: Set[str]) -> Freeze:
    """Why somebody was frozen by hand, and by whom, is for those who could have done it."""
    if roles & FREEZING_ROLES:
        return freeze
    grounds = [replace(ground, reason=None, by_id=None) for ground in freeze.grounds or ()]
    return replace(freeze, grounds=grounds, lifting=None)
