"""The open stages of a leaver are read for the plan, and moved as the approved plan says, up to 1,000 per command."""

from collections.abc import Sequence

from services.orders.orders.store import lock_orders, update_orders
from services.orders.planning import rules, store
from services.orders.staffing.rules import Roster, find_refused_assignees
from services.orders.staffing.store import list_capacities
from services.orders.stages.handlers import publish_and_journal_moved_stages
from shared.contracts.clients import Result
from shared.contracts.orders import TransferStages
from shared.database import UnitOfWork
from shared.journal import publish_journal_entry
from shared.messages import Envelope
from shared.people.store import lock_people


async def transfer_stages(work: UnitOfWork, envelope: Envelope[TransferStages]) -> Sequence[Result]:
    command = envelope.data
    successors = {move.to_id for move in command.items}
    leavers = [command.employee_id, *(move.from_id for move in command.items)]
    people = await lock_people(work, given_work=successors, for_share=leavers)
    refusals = find_refused_assignees(people, successors)
    before = await lock_orders(work, [move.order_id for move in command.items])
    functions = {stage.function for order in before.values() for stage in order.stages}
    roster = Roster(await list_capacities(work, functions, successors))
    results, after = rules.move_stages(
        command.items, before, roster, refusals, command.employee_id, command.to_caretaker
    )
    await update_orders(work, list(after.values()))
    publish_and_journal_moved_stages(work, command.employee_id, before, after, command.case_id)
    return results


async def read_open_stages(work: UnitOfWork, employee_id: str) -> list[store.OpenStage]:
    """Every look is in the journal."""
    stages = await store.list_open_stages(work, employee_id)
    publish_journal_entry(work, "stages.read", employee_id, stages=len(stages))
    return stages
