"""Who may do a stage: capacity and load by function, and the rules that bind every assignment."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.errors import HoldfastError, Refused
from shared.people.rules import Person, require_may_be_given_work

ROUNDING = 1e-9  # efforts are sums of floats


class SeparationBreached(Refused, code="separation_breached"):
    """This person does another stage of this order that must be in different hands. `could` lists who may do it."""


class CapacityBreached(Refused, code="capacity_breached"):
    """This person has no room for this stage in their capacity. `could` lists who has."""


class WrongFunction(Refused, code="wrong_function"):
    """This person does not work in the function that this stage needs. `could` lists who does and has room."""


class StageNeed(NamedTuple):
    """What a stage asks of whoever does it. `barred`: who do the stages that must be in different hands."""

    function: str
    effort: float
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FunctionCapacity:
    """One employee in one function, in effort points."""

    employee_id: str
    function: str
    capacity: float
    load: float
    is_present: bool = True

    @property
    def utilisation(self) -> float:
        return compute_utilisation(self.load, self.capacity)


def compute_utilisation(load: float, capacity: float) -> float:
    """The part of the capacity that is in use; infinite where there is none."""
    return load / capacity if capacity > 0 else float("inf")


class Roster:
    """Those who work here and are not frozen, with their load, which grows at once with each stage that they are given.

    The present ones of a function stand in a heap by utilisation, so that an import of many orders finds the best fast; an
    entry whose load has changed since is skipped.
    """

    def __init__(self, capacities: Iterable[FunctionCapacity]) -> None:
        self._capacities = {(capacity.function, capacity.employee_id): capacity for capacity in capacities}
        self._loads = {key: capacity.load for key, capacity in self._capacities.items()}
        self._heaps: dict[str, list[tuple[float, str]]] = {}
        for capacity in self._capacities.values():
            if capacity.is_present:
                self._heaps.setdefault(capacity.function, []).append((capacity.utilisation, capacity.employee_id))
        for heap in self._heaps.values():
            heapq.heapify(heap)

    def find_refusal(self, need: StageNeed, employee_id: str) -> type[Refused] | None:
        """The rule that forbids it, or None."""
        capacity = self._capacities.get((need.function, employee_id))
        if capacity is None:
            return WrongFunction
        if employee_id in need.barred:
            return SeparationBreached
        if self._loads[need.function, employee_id] + need.effort > capacity.capacity + ROUNDING:
            return CapacityBreached
        return None

    def add_load(self, need: StageNeed, employee_id: str) -> None:
        self._change_load(need.function, employee_id, need.effort)

    def remove_load(self, need: StageNeed, employee_id: str) -> None:
        self._change_load(need.function, employee_id, -need.effort)

    def pick_best(self, need: StageNeed) -> str | None:
        """Who is present, may do it, and has the smallest part of their capacity in use; then the smallest id."""
        heap = self._heaps.get(need.function, [])
        passed_over, best = [], None
        while heap and best is None:
            entry = heapq.heappop(heap)
            if entry[0] != self._utilisation(need.function, entry[1]):
                continue  # its load has changed since: its newer entry is further down
            passed_over.append(entry)
            if self.find_refusal(need, entry[1]) is None:
                best = entry[1]
        for entry in passed_over:
            heapq.heappush(heap, entry)
        return best

    def list_candidates(self, need: StageNeed, limit: int = 20) -> list[str]:
        """Everybody present who may do it, who has most room first."""
        candidates = (
            (self._utilisation(function, employee_id), employee_id)
            for (function, employee_id), capacity in self._capacities.items()
            if function == need.function and capacity.is_present and self.find_refusal(need, employee_id) is None
        )
        return [employee_id for _, employee_id in heapq.nsmallest(limit, candidates)]

    def _utilisation(self, function: str, employee_id: str) -> float:
        key = function, employee_id
        return compute_utilisation(self._loads[key], self._capacities[key].capacity)

    def _change_load(self, function: str, employee_id: str, effort: float) -> None:
        capacity = self._capacities.get((function, employee_id))
        if capacity is None:
            return
        self._loads[function, employee_id] += effort
        if capacity.is_present:
            heapq.heappush(self._heaps[function], (self._utilisation(function, employee_id), employee_id))


def pick_candidates(capacities: Sequence[FunctionCapacity], limit_per_function: int | None) -> set[str]:
    """The present people with most room, at most so many in each function; without a limit all with room."""
    by_function: dict[str, list[FunctionCapacity]] = {}
    for capacity in capacities:
        if capacity.is_present and capacity.load < capacity.capacity:
            by_function.setdefault(capacity.function, []).append(capacity)
    return {
        capacity.employee_id
        for group in by_function.values()
        for capacity in sorted(group, key=lambda capacity: (capacity.utilisation, capacity.employee_id))[
            :limit_per_function
        ]
    }


def find_refused_assignees(people: Mapping[str, Person], employee_ids: Iterable[str]) -> dict[str, type[HoldfastError]]:
    """Which of these may be given nothing, whatever the stage, with the refusal."""
    refusals: dict[str, type[HoldfastError]] = {}
    for employee_id in employee_ids:
        try:
            require_may_be_given_work(people, employee_id)
        except HoldfastError as refusal:
            refusals[employee_id] = type(refusal)
    return refusals
