"""Locks on the people who may be given stages, so that two assignments never share the last room."""

from collections.abc import Mapping, Sequence

from services.orders.orders.rules import Order, OrderRequest
from services.orders.staffing import rules, store
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.people.rules import Frozen, Person, require_able_to_own
from shared.people.store import lock_people

CANDIDATES_PER_FUNCTION = (
    5  # candidates that are locked per stage that names nobody, so that one of them has room under the lock
)


async def lock_roster(
    work: UnitOfWork, orders: Sequence[Order], wanted: Sequence[OrderRequest], proposed: int | None
) -> tuple[rules.Roster, dict[str, type[HoldfastError]]]:
    """Locks everybody who is named and who may be chosen (the `proposed` best per function; None: all); then counts.

    Two assignments that want the last room of the same person wait for each other here, and the second one sees it taken.
    """
    today = work.today
    named = {employee_id for one in wanted for employee_id in one.assignees.values()}
    functions = {stage.function for order in orders for stage in order.stages}
    candidates = await store.list_capacities(work, functions, today)
    chosen = rules.pick_candidates(candidates, proposed)
    rows = await lock_people(
        work, changing=chosen | await store.list_known_employees(work, named), holding=[*named, work.actor]
    )
    refuse_frozen_actor(rows, work.actor)
    unable: dict[str, type[HoldfastError]] = {}
    for employee_id in named:
        try:
            require_able_to_own(rows, employee_id)
        except HoldfastError as refusal:
            unable[employee_id] = type(refusal)
    return rules.Roster(await store.list_capacities(work, functions, today, rows)), unable


def refuse_frozen_actor(rows: Mapping[str, Person], actor: str) -> None:
    """The freeze of the person acting, under the lock: the door may have asked a moment too early."""
    if actor in rows and rows[actor].frozen:
        raise Frozen
