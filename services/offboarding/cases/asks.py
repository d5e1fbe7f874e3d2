"""Carries an item of the case out: a command is sent, a task is opened, a job is queued."""

from collections.abc import Sequence

from services.offboarding.assignees.handlers import lock_caretaker
from services.offboarding.assignees.store import get_employment
from services.offboarding.cases.rules import CaseRecord
from services.offboarding.introductions.store import exists_open_introduction
from services.offboarding.jobs.store import insert_job
from services.offboarding.moves.rules import ChosenMove, get_chunk
from services.offboarding.moves.store import list_moves, list_moves_back, update_caretaker
from services.offboarding.saga import Case, Item, Reply
from services.offboarding.tasks.lifecycle import open_task
from shared.contracts.clients import ClientMove, FreezeAccess, PlaceTeam, TeamMove, TransferClients, UnfreezeAccess
from shared.contracts.orders import FreezeStages, StageMove, TransferStages, UnfreezeStages
from shared.database import UnitOfWork
from shared.messages import Command


async def ask_for_items(work: UnitOfWork, record: CaseRecord, case: Case, items: Sequence[Item]) -> list[Reply]:
    """Asks for the items. What is over before it began (nothing to move, nobody to introduce) is replied to at once."""
    return [Reply(case.id_of(item)) for item in items if not await _ask_for_item(work, record, case, item)]


async def _ask_for_item(work: UnitOfWork, record: CaseRecord, case: Case, item: Item) -> bool:
    """False where there is nothing to do."""
    match item.kind:
        case "job":
            await insert_job(work, case.id_of(item), case.id, item.what)
        case "task" if item.what == "introductions":
            return await exists_open_introduction(work, case.id)
        case "task" if item.what != "approval":  # the plan itself is what waits for approval
            await open_task(work, record, case, item)
        case "command":
            moves = await _list_moves_of_item(work, record, case, item) if item.part else ()
            if item.part and not moves:
                return False
            work.send(_make_command(record, case, item, moves))
    return True


async def _list_moves_of_item(work: UnitOfWork, record: CaseRecord, case: Case, item: Item) -> Sequence[ChosenMove]:
    """What the chunk moves, from whom to whom. Back goes what has moved and no client has yet confirmed."""
    if await get_employment(work, record.employee_id) != record.employment_id:
        return ()  # whoever was rehired holds what they hold in the new employment
    chunk = get_chunk(case.id, item)
    if item.is_undo:
        return await list_moves_back(work, chunk, record.employee_id)
    if item.step == "clear":
        await update_caretaker(work, chunk, await lock_caretaker(work, record.employee_id))
    return await list_moves(work, chunk, record.employee_id)


def _make_command(record: CaseRecord, case: Case, item: Item, moves: Sequence[ChosenMove]) -> Command:
    about = {"command_id": case.id_of(item), "case_id": case.id, "employee_id": record.employee_id}
    ground = {"employment_id": record.employment_id, "ref": record.ref}
    epoch, caretakers = case.epoch, list(record.caretakers)
    match item.what:
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
    raise ValueError(item.what)
