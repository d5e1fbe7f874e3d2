"""Moving many open stages of a leaver: each move by itself is done or refused, in the order given."""

from collections.abc import Mapping, Sequence

from services.orders.orders.rules import Order, reassign_stage
from services.orders.staffing.rules import CapacityBreached, Roster, SeparationBreached, WrongFunction, keeps_separation
from shared.contracts.clients import Result
from shared.contracts.orders import StageMove
from shared.errors import HoldfastError

REFUSED_OUTCOMES: Mapping[type[HoldfastError], str] = {
    WrongFunction: "wrong_function",
    SeparationBreached: "separation",
    CapacityBreached: "no_capacity",
}


def move_stages(
    moves: Sequence[StageMove],
    orders: Mapping[str, Order],
    bench: Roster,
    unable: Mapping[str, str],
    leaver: str,
    to_caretaker: bool = False,
) -> tuple[list[Result], dict[str, Order]]:
    """`unable`: who may be given nothing, with the word why. Returns a result per move, and the changed orders.

    `to_caretaker`: what nobody could take. Their capacity refuses none; what they may not do goes to nobody.
    A move back to the leaver of the case undoes one from them: the stage is held there until the leaver is unfrozen, and
    neither the freeze nor the capacity refuses it. What was moved before is `done` and changes nothing.
    """
    changed: dict[str, Order] = {}
    results: list[Result] = []
    for move in moves:
        order = changed.get(move.order_id) or orders.get(move.order_id)
        outcome, order = _move_stage(move, order, bench, unable, leaver, to_caretaker)
        results.append(Result(id=f"{move.order_id}/{move.stage}", outcome=outcome))
        if order is not None:
            changed[move.order_id] = order
    return results, {id: order._replace(version=order.version + 1) for id, order in changed.items()}


def _move_stage(
    move: StageMove,
    order: Order | None,
    bench: Roster,
    unable: Mapping[str, str],
    leaver: str,
    to_caretaker: bool,
) -> tuple[str, Order | None]:
    stage = next((stage for stage in order.stages if stage.name == move.stage), None) if order else None
    if order is None or stage is None:
        return "unknown_stage", None
    if stage.employee_id == move.to_id:
        return "done", None
    if not stage.open:
        return "closed", None
    if stage.employee_id != move.from_id:
        return "not_assignee", None
    moved = reassign_stage(stage, move.to_id)
    if move.to_id == leaver:
        if not keeps_separation(order, stage, leaver):
            return "separation", None
        if leaver in unable:
            moved = moved._replace(status="held", held_from=moved.status)
    else:
        refusal = bench.refusal(order, stage, move.to_id)
        word = unable.get(move.to_id) or (REFUSED_OUTCOMES[refusal] if refusal else "")
        if word and not to_caretaker:
            return word, None
        if word not in ("", "no_capacity"):
            moved = reassign_stage(stage, None)
    bench.release(stage, move.from_id)
    if moved.employee_id is not None:
        bench.take(stage, moved.employee_id)
    stages = tuple(moved if other.name == stage.name else other for other in order.stages)
    return "done", order._replace(stages=stages)
