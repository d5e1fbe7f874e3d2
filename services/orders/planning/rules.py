"""Moving many open stages of a leaver: each move by itself is done or refused, in the order given."""

from collections.abc import Mapping, Sequence

from services.orders.orders.rules import Order
from services.orders.staffing.rules import CapacityBreached, Roster, SeparationBreached, WrongFunction
from shared.contracts.clients import Result
from shared.contracts.orders import StageMove
from shared.errors import HoldfastError

OUTCOMES: Mapping[type[HoldfastError], str] = {
    WrongFunction: "wrong_function",
    SeparationBreached: "separation",
    CapacityBreached: "no_capacity",
}


def move_stages(
    moves: Sequence[StageMove],
    orders: Mapping[str, Order],
    roster: Roster,
    refusals: Mapping[str, type[HoldfastError]],
    leaver_id: str,
    to_caretaker: bool = False,
) -> tuple[list[Result], dict[str, Order]]:
    """`refusals`: who may be given nothing, and why. Returns a result per move, and the changed orders.

    `to_caretaker`: what nobody could take. Their capacity refuses none; what they may not do goes to nobody.
    A move back to the leaver of the case undoes one from them: the stage is held there until the leaver is unfrozen, and
    neither the freeze nor the capacity refuses it. What was moved before is `done` and changes nothing.
    """
    changed: dict[str, Order] = {}
    results: list[Result] = []
    for move in moves:
        order = changed.get(move.order_id) or orders.get(move.order_id)
        outcome, order = _move_stage(move, order, roster, refusals, leaver_id, to_caretaker)
        results.append(Result(id=f"{move.order_id}/{move.stage}", outcome=outcome))
        if order is not None:
            changed[move.order_id] = order
    return results, {id: order.next_version() for id, order in changed.items()}


def _move_stage(
    move: StageMove,
    order: Order | None,
    roster: Roster,
    refusals: Mapping[str, type[HoldfastError]],
    leaver_id: str,
    to_caretaker: bool,
) -> tuple[str, Order | None]:
    """The outcome, and the order if it has changed."""
    stage = next((stage for stage in order.stages if stage.name == move.stage), None) if order else None
    if order is None or stage is None:
        return "unknown_stage", None
    if stage.employee_id == move.to_id:
        return "done", None
    if not stage.open:
        return "closed", None
    if stage.employee_id != move.from_id:
        return "not_assignee", None
    need = order.get_need(stage)
    moved = stage.reassign(move.to_id)
    if move.to_id == leaver_id:
        if leaver_id in need.barred:
            return OUTCOMES[SeparationBreached], None
        if leaver_id in refusals:
            moved = moved._replace(status="held", held_from=moved.status)
    else:
        refusal = refusals.get(move.to_id) or roster.find_refusal(need, move.to_id)
        if refusal is not None and not to_caretaker:
            return OUTCOMES.get(refusal, refusal.code), None
        if refusal not in (None, CapacityBreached):
            moved = stage.reassign(None)
    roster.remove_load(need, move.from_id)
    if moved.employee_id is not None:
        roster.add_load(need, moved.employee_id)
    return "done", order.replace_stage(moved)
