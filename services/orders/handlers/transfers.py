"""The approved plan of a case, carried out for stages: up to 1,000 moves per command, each with its result."""

from collections.abc import Sequence

from services.orders.domain.bench import Bench
from services.orders.domain.transfers import transfer
from services.orders.handlers.freezes import announce_moves
from services.orders.store import bench as bench_store
from services.orders.store import orders as store
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
        changing=await bench_store.existing(work, successors),
        holding=[command.employee_id, *(move.from_id for move in command.items)],
    )
    unable: dict[str, str] = {}
    for employee_id in successors:
        try:
            require_able_to_own(rows, employee_id)
        except HoldfastError as refusal:
            unable[employee_id] = refusal.code
    orders = await store.lock(work, [move.order_id for move in command.items])
    functions = {stage.function for order in orders.values() for stage in order.stages}
    bench = Bench(await bench_store.seats(work, functions, work.today, successors))
    results, changed = transfer(command.items, orders, bench, unable, command.employee_id, command.to_caretaker)
    await store.save(work, list(changed.values()))
    announce_moves(work, command.employee_id, orders, changed, command.case_id)
    return results
