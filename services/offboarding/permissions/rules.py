"""The caller, as the conditions of the store speak of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Viewer:
    """The caller: id and roles. A frozen caller has no role but `employee`."""

    sub: str
    roles: frozenset[str]
    frozen: bool = False

    @classmethod
    def of(cls, sub: str, roles: Iterable[str], frozen: bool = False) -> "Viewer":
        return cls(sub, frozenset(roles), frozen)

    def sees_all(self) -> bool:
        return not self.roles.isdisjoint({"hr", "director"})
