"""Carries an item of the case out: a command is sent, a task is opened, a job is queued."""

from collections.abc import Sequence

from services.offboarding.assignees.handlers import lock_caretaker
from services.offboarding.assignees.store import get_employment_id
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.introductions.store import exists_open_introduction
from services.offboarding.jobs.store import insert_job
from services.offboarding.moves.rules import CommandedMove, make_chunk
from services.offboarding.moves.store import give_unmoved_to_caretaker, list_moves, list_return_moves
from services.offboarding.saga import Case, CaseItem, Reply
from services.offboarding.tasks.lifecycle import open_task
from shared.contracts.clients import ClientMove, FreezeAccess, PlaceTeam, TeamMove, TransferClients, UnfreezeAccess
from shared.contracts.orders import FreezeStages, StageMove, TransferStages, UnfreezeStages
from shared.database import UnitOfWork
from shared.messages import Command


async def ask_for_items(work: UnitOfWork, record: CaseRecord, case: Case, items: Sequence[CaseItem]) -> list[Reply]:
    """Asks for the items. What is over before it began (nothing to move, nobody to introduce) is replied to at once."""
    return [Reply(case.get_item_id(item)) for item in items if not await _ask_for_item(work, record, case, item)]


async def _ask_for_item(work: UnitOfWork, record: CaseRecord, case: Case, item: CaseItem) -> bool:
    """False where there is nothing to do."""
    match item.kind:
        case "job":
            await insert_job(work, case.get_item_id(item), case.id, item.asks_for)
        case "task" if item.asks_for == "introductions":
            return await exists_open_introduction(work, case.id)
        case "task" if item.asks_for != "approval":  # the plan itself is what waits for approval
            await open_task(work, record, case, item)
        case "command":
            moves = await _list_moves_of_item(work, record, case, item) if item.move_kind else ()
            if item.move_kind and not moves:
                return False
            work.send(_make_command(record, case, item, moves))
    return True


async def _list_moves_of_item(
    work: UnitOfWork, record: CaseRecord, case: Case, item: CaseItem
) -> Sequence[CommandedMove]:
    """What the chunk moves, from whom to whom. Back goes what has moved and no client has yet confirmed."""
    if await get_employment_id(work, record.employee_id) != record.employment_id:
        return ()  # whoever was rehired holds what they hold in the new employment
    chunk = make_chunk(case.id, item)
    if item.is_undo:
        return await list_return_moves(work, chunk, record.employee_id)
    if item.step == "clear":
        await give_unmoved_to_caretaker(work, chunk, await lock_caretaker(work, record.employee_id))
    return await list_moves(work, chunk, record.employee_id)


def _make_command(record: CaseRecord, case: Case, item: CaseItem, moves: Sequence[CommandedMove]) -> Command:
    about = {"command_id": case.get_item_id(item), "case_id": case.id, "employee_id": record.employee_id}
    ground = {"employment_id": record.employment_id, "ref": record.ref}
    epoch, caretakers = case.epoch, list(record.caretakers)
    match item.asks_for:
        case "freeze_access":
            return FreezeAccess(**about, **ground, epoch=epoch, caretakers=caretakers)
        case "freeze_stages":
            return FreezeStages(**about, **ground, epoch=epoch, caretakers=caretakers)
        case "unfreeze_access":
            return UnfreezeAccess(**about, **ground, epoch=epoch)
        case "unfreeze_stages":
            return UnfreezeStages(**about, **ground, epoch=epoch)
        case "transfer_clients":
            clients = [ClientMove(client_id=move.client_id, from_id=move.from_id, to_id=move.to_id) for move in moves]
            return TransferClients(
                **about, epoch=epoch, kind="returned" if item.is_undo else "permanent", items=clients
            )
        case "place_team":
            places = [
                TeamMove(client_id=move.client_id, function=move.function, from_id=move.from_id, to_id=move.to_id)
                for move in moves
            ]
            return PlaceTeam(**about, epoch=epoch, items=places)
        case "transfer_stages":
            stages = [
                StageMove(order_id=move.order_id, stage=move.stage, from_id=move.from_id, to_id=move.to_id)
                for move in moves
            ]
            return TransferStages(**about, epoch=epoch, to_caretaker=item.step == "clear", items=stages)
    raise ValueError(item.asks_for)
