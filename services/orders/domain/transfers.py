"""Moving many open stages of a leaver: each move by itself is done or refused, in the order given."""

from collections.abc import Mapping, Sequence

from services.orders.domain.bench import Bench, CapacityBreached, SeparationBreached, WrongFunction, keeps_apart
from services.orders.domain.orders import Order, given
from shared.contracts.clients import Result
from shared.contracts.orders import StageMove, StageOwner

WORDS = {WrongFunction: "wrong_function", SeparationBreached: "separation", CapacityBreached: "no_capacity"}


def transfer(
    moves: Sequence[StageMove], orders: Mapping[str, Order], bench: Bench, unable: Mapping[str, str], leaver: str
) -> tuple[list[Result], dict[str, Order], list[StageOwner]]:
    """`unable`: who may be given nothing, with the word why. Returns a result per move, the changed orders, the new owners.

    A move back to the leaver of the case undoes one from them: the stage is held there until the leaver is unfrozen, and
    neither the freeze nor the capacity refuses it. What was moved before is `done` and changes nothing.
    """
    changed: dict[str, Order] = {}
    results: list[Result] = []
    owners: dict[tuple[str, str], str] = {}
    for move in moves:
        order = changed.get(move.order_id) or orders.get(move.order_id)
        outcome, order = _move(move, order, bench, unable, leaver)
        results.append(Result(id=f"{move.order_id}/{move.stage}", outcome=outcome))
        if order is not None:
            changed[move.order_id] = order
            owners[move.order_id, move.stage] = move.to_id
    changed = {id: order._replace(version=order.version + 1) for id, order in changed.items()}
    moved = [
        StageOwner(
            order_id=order_id,
            stage=name,
            client_id=changed[order_id].client_id,
            employee_id=employee_id,
            status=changed[order_id].stage(name).status,
            sequence=changed[order_id].version,
        )
        for (order_id, name), employee_id in owners.items()
    ]
    return results, changed, moved


def _move(
    move: StageMove, order: Order | None, bench: Bench, unable: Mapping[str, str], leaver: str
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
    moved = given(stage, move.to_id)
    if move.to_id == leaver:
        if not keeps_apart(order, stage, leaver):
            return "separation", None
        if leaver in unable:
            moved = moved._replace(status="held", held_from=moved.status)
    else:
        if move.to_id in unable:
            return unable[move.to_id], None
        refusal = bench.refusal(order, stage, move.to_id)
        if refusal is not None:
            return WORDS[refusal], None
    bench.release(stage, move.from_id)
    bench.take(stage, move.to_id)
    stages = tuple(moved if other.name == stage.name else other for other in order.stages)
    return "done", order._replace(stages=stages)
