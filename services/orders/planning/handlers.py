"""The open stages of a leaver are read for the plan, and moved as the approved plan says, up to 1,000 per command."""

from collections.abc import Sequence
from typing import Any

from services.orders.orders.handlers import publish_journal_entry
from services.orders.orders.store import lock_orders, update_orders
from services.orders.planning import rules, store
from services.orders.staffing.rules import Roster
from services.orders.staffing.store import list_capacities, list_known_employees
from services.orders.stages.handlers import publish_moved_stages
from shared.contracts.clients import Result
from shared.contracts.orders import TransferStages
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.messages import Envelope
from shared.people.rules import require_able_to_own
from shared.people.store import lock_people


async def transfer_stages(work: UnitOfWork, envelope: Envelope[TransferStages]) -> Sequence[Result]:
    command = envelope.data
    successors = {move.to_id for move in command.items}
    rows = await lock_people(
        work,
        changing=await list_known_employees(work, successors),
        holding=[command.employee_id, *(move.from_id for move in command.items)],
    )
    unable: dict[str, str] = {}
    for employee_id in successors:
        try:
            require_able_to_own(rows, employee_id)
        except HoldfastError as refusal:
            unable[employee_id] = refusal.code
    orders = await lock_orders(work, [move.order_id for move in command.items])
    functions = {stage.function for order in orders.values() for stage in order.stages}
    bench = Roster(await list_capacities(work, functions, work.today, successors))
    results, changed = rules.move_stages(
        command.items, orders, bench, unable, command.employee_id, command.to_caretaker
    )
    await update_orders(work, list(changed.values()))
    publish_moved_stages(work, command.employee_id, orders, changed, command.case_id)
    return results


async def read_open_stages(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    stages = await store.list_open_stages(work, employee_id)
    publish_journal_entry(work, "stages.read", employee_id, stages=len(stages))
    return stages
