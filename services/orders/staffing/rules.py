"""Who may do a stage: capacity and load by function, and the rules that bind every assignment."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.orders.orders.rules import Order, Stage
from shared.errors import HoldfastError, Refused

ROUNDING = 1e-9  # efforts are sums of floats


class SeparationBreached(Refused, code="separation_breached"):
    """This person does another stage of this order that must be in different hands. `could` lists who may do it."""


class CapacityBreached(Refused, code="capacity_breached"):
    """This person has no room for this stage in their capacity. `could` lists who has."""


class WrongFunction(Refused, code="wrong_function"):
    """This person does not work in the function that this stage needs. `could` lists who does and has room."""


@dataclass(frozen=True, slots=True)
class FunctionCapacity:
    """One employee in one function, in effort points. `present`: not absent today."""

    employee_id: str
    function: str
    capacity: float
    load: float
    present: bool = True

    @property
    def fill(self) -> float:
        return self.load / self.capacity if self.capacity > 0 else float("inf")


class Roster:
    """Those who work here and are not frozen. Taking a stage weighs at once, so that one sweep can fill many orders."""

    def __init__(self, seats: Iterable[FunctionCapacity]) -> None:
        self._seats = {(seat.function, seat.employee_id): seat for seat in seats}
        self._load = {key: seat.load for key, seat in self._seats.items()}
        self._heaps: dict[str, list[tuple[float, str]]] = {}
        for seat in self._seats.values():
            if seat.present:
                self._heaps.setdefault(seat.function, []).append((seat.fill, seat.employee_id))
        for heap in self._heaps.values():
            heapq.heapify(heap)

    def refusal(self, order: Order, stage: Stage, employee_id: str) -> type[Refused] | None:
        """The rule that forbids it, or None."""
        seat = self._seats.get((stage.function, employee_id))
        if seat is None:
            return WrongFunction
        if not keeps_separation(order, stage, employee_id):
            return SeparationBreached
        if self._load[stage.function, employee_id] + stage.effort > seat.capacity + ROUNDING:
            return CapacityBreached
        return None

    def take(self, stage: Stage, employee_id: str) -> None:
        self._weigh(stage.function, employee_id, stage.effort)

    def release(self, stage: Stage, employee_id: str | None) -> None:
        if employee_id is not None:
            self._weigh(stage.function, employee_id, -stage.effort)

    def best(self, order: Order, stage: Stage) -> str | None:
        """Who is present, may do it, and has the smallest part of their capacity in use; then the smallest id."""
        heap = self._heaps.get(stage.function, [])
        passed_over, found = [], None
        while heap and found is None:
            entry = heapq.heappop(heap)
            if entry[0] != self._fill(stage.function, entry[1]):
                continue  # weighed since: its newer entry is further down
            passed_over.append(entry)
            if self.refusal(order, stage, entry[1]) is None:
                found = entry[1]
        for entry in passed_over:
            heapq.heappush(heap, entry)
        return found

    def could(self, order: Order, stage: Stage, limit: int = 20) -> list[str]:
        """Everybody present who may do it, who has most room first."""
        able = (
            (self._fill(function, employee_id), employee_id)
            for (function, employee_id), seat in self._seats.items()
            if function == stage.function and seat.present and self.refusal(order, stage, employee_id) is None
        )
        return [employee_id for _, employee_id in heapq.nsmallest(limit, able)]

    def _fill(self, function: str, employee_id: str) -> float:
        capacity = self._seats[function, employee_id].capacity
        return self._load[function, employee_id] / capacity if capacity > 0 else float("inf")

    def _weigh(self, function: str, employee_id: str, effort: float) -> None:
        seat = self._seats.get((function, employee_id))
        if seat is None:
            return
        self._load[function, employee_id] += effort
        if seat.present:
            heapq.heappush(self._heaps[function], (self._fill(function, employee_id), employee_id))


def staff_order(
    order: Order, assignees: Mapping[str, str], unable: Mapping[str, type[HoldfastError]], bench: Roster
) -> Order:
    """A new order with its stages given to whom was named, and the others to the best person with room, or to nobody.

    `unable`: who may be given nothing, and the refusal. Raises it, `WrongFunction`, `SeparationBreached`, `CapacityBreached`;
    then nothing has been taken from the bench.
    """
    taken: list[tuple[Stage, str]] = []
    for stage in order.stages:
        wanted = assignees.get(stage.name)
        if wanted is None:
            continue
        refusal = unable.get(wanted) or bench.refusal(order, stage, wanted)
        if refusal is not None:
            for earlier, employee_id in taken:
                bench.release(earlier, employee_id)
            raise refusal(could=bench.could(order, stage))
        order = _assign_new_stage(order, stage, wanted)
        bench.take(stage, wanted)
        taken.append((stage, wanted))
    for stage in order.stages:
        best = bench.best(order, stage) if stage.employee_id is None else None
        if best is not None:
            order = _assign_new_stage(order, stage, best)
            bench.take(stage, best)
    return order


def _assign_new_stage(order: Order, stage: Stage, employee_id: str) -> Order:
    given = stage._replace(employee_id=employee_id)
    return order._replace(stages=tuple(given if other.name == stage.name else other for other in order.stages))


def keeps_separation(order: Order, stage: Stage, employee_id: str) -> bool:
    """Whether the stages of this order that must be in different hands still would be."""
    return not any(other.employee_id == employee_id for other in order.stages if other.name in stage.apart)


def pick_candidates(seats: Sequence[FunctionCapacity], limit: int | None) -> set[str]:
    by_function: dict[str, list[FunctionCapacity]] = {}
    for seat in seats:
        if seat.present and seat.load < seat.capacity:
            by_function.setdefault(seat.function, []).append(seat)
    return {
        seat.employee_id
        for group in by_function.values()
        for seat in sorted(group, key=lambda seat: (seat.fill, seat.employee_id))[:limit]
    }
