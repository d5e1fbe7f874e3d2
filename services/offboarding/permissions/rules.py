"""The caller, as the conditions of the stores speak of them."""

from dataclasses import dataclass
from typing import TypeVar

from shared.errors import NotFound

T = TypeVar("T")


@dataclass(frozen=True)
class Viewer:
    """The caller: id and roles. A frozen caller has no role but `employee`."""

    sub: str
    roles: frozenset[str]
    is_frozen: bool = False

    @property
    def sees_all_cases(self) -> bool:
        return not self.roles.isdisjoint({"hr", "director"})


@dataclass(frozen=True)
class CaseRights:
    """What a caller may do with a case. `is_head`: they act as its head of sales."""

    leaver_id: str
    may_see: bool
    is_head: bool


def require_found(found: T | None) -> T:
    """Raises `NotFound`."""
    if found is None:
        raise NotFound
    return found
