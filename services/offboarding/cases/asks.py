"""Carries an item of the case out: a command is sent, work is opened, a job is queued."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.offboarding.assignees.handlers import choose_caretaker
from services.offboarding.introductions.store import exists_open_introduction
from services.offboarding.moves.rules import get_chunk_of_item
from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Case, Item, Reply
from services.offboarding.tasks.lifecycle import open_task
from shared.contracts.clients import ClientMove, FreezeAccess, PlaceTeam, TeamMove, TransferClients, UnfreezeAccess
from shared.contracts.orders import FreezeStages, StageMove, TransferStages, UnfreezeStages
from shared.database import UnitOfWork
from shared.messages import Command


async def ask_for_items(work: UnitOfWork, row: Row, case: Case, items: Sequence[Item]) -> list[Reply]:
    """Asks for the items. What is over before it began (nothing to move, nobody to introduce) is replied to at once."""
    replies: list[Reply] = []
    for item in items:
        done = await ASKS_BY_KIND[item.kind](work, row, case, item)
        if done:
            replies.append(Reply(case.id_of(item)))
    return replies


async def _send_command(work: UnitOfWork, row: Row, case: Case, item: Item) -> bool:
    about = {
        "command_id": case.id_of(item),
        "case_id": case.id,
        "epoch": case.epoch,
        "employee_id": row["employee_id"],
    }
    departure = {"employment_id": row["employment_id"], "ref": row["ref"]}
    command: Command
    match item.what:
        case "freeze_access":
            command = FreezeAccess(**about, **departure, caretakers=row["caretakers"])
        case "freeze_stages":
            command = FreezeStages(**about, **departure, caretakers=row["caretakers"])
        case "unfreeze_access":
            command = UnfreezeAccess(**about, **departure)
        case "unfreeze_stages":
            command = UnfreezeStages(**about, **departure)
        case _:
            moves = await _choose_moves(work, row, item)
            if not moves:
                return True
            command = MOVE_COMMANDS[item.what](about, moves, item)
    work.send(command)
    return False


async def _choose_moves(work: UnitOfWork, row: Row, item: Item) -> Sequence[Row]:
    """What the chunk moves, from whom to whom. Back goes what has moved and no client has yet confirmed."""
    bulk = get_chunk_of_item(item)
    if bulk is None:
        raise ValueError(item.name)
    part, version, chunk = bulk
    employment = await work.fetch_value(
        "SELECT employment_id FROM people WHERE employee_id = :id", id=row["employee_id"]
    )
    if employment != row["employment_id"]:
        return ()  # whoever was rehired holds what they hold in the new employment
    if part.startswith("left_"):  # whoever stood in when it was cut may have left: tried again, it goes to who does now
        await work.execute(
            """
            UPDATE moves SET to_id = coalesce(CAST(:to_id AS text), to_id) WHERE case_id = :case_id AND version = :version
            AND part = :part AND chunk = :chunk AND outcome IS DISTINCT FROM 'done' AND to_id IS DISTINCT FROM :to_id
            """,
            to_id=await choose_caretaker(work, row),
            case_id=row["id"],
            version=version,
            part=part,
            chunk=chunk,
        )
    chosen = (
        """
        m.to_id AS from_id, :leaver AS to_id FROM moves m
        WHERE m.outcome = 'done' AND NOT EXISTS (SELECT 1 FROM introductions i WHERE i.case_id = m.case_id
              AND i.client_id = m.client_id AND i.status = 'confirmed') AND"""
        if item.undoes
        else ":leaver AS from_id, m.to_id FROM moves m WHERE"
    )
    return await work.fetch_rows(
        f"""
        SELECT m.client_id, m.order_id, m.stage, m.function, {chosen}
        m.case_id = :case_id AND m.version = :version AND m.part = :part AND m.chunk = :chunk
        ORDER BY m.client_id, m.order_id, m.stage, m.function
        """,
        leaver=row["employee_id"],
        case_id=row["id"],
        version=version,
        part=part,
        chunk=chunk,
    )


MOVE_COMMANDS: Mapping[str, Callable[[Mapping[str, Any], Sequence[Row], Item], Command]] = {
    "transfer_clients": lambda about, moves, item: TransferClients(
        **about,
        kind="returned" if item.undoes else "permanent",
        items=[ClientMove.model_validate(dict(move)) for move in moves],
    ),
    "place_team": lambda about, moves, item: PlaceTeam(
        **about, items=[TeamMove.model_validate(dict(move)) for move in moves]
    ),
    "transfer_stages": lambda about, moves, item: TransferStages(
        **about, to_caretaker=item.step == "clear", items=[StageMove.model_validate(dict(move)) for move in moves]
    ),
}


async def _open_work(work: UnitOfWork, row: Row, case: Case, item: Item) -> bool:
    if item.what == "introductions":
        return not await exists_open_introduction(work, case.id)
    if item.what != "approval":  # the plan itself is what waits for approval
        await open_task(work, row, case, item)
    return False


async def _queue_job(work: UnitOfWork, row: Row, case: Case, item: Item) -> bool:
    await work.execute(
        """
        INSERT INTO jobs (id, case_id, kind, status, run_at) VALUES (:id, :case_id, :kind, 'queued', :now)
        ON CONFLICT (id) DO UPDATE SET status = 'queued', attempts = 0, run_at = excluded.run_at, error = NULL
        """,
        id=case.id_of(item),
        case_id=case.id,
        kind=item.what,
        now=work.now,
    )
    return False


ASKS_BY_KIND: Mapping[str, Callable[[UnitOfWork, Row, Case, Item], Awaitable[bool]]] = {
    "command": _send_command,
    "task": _open_work,
    "job": _queue_job,
}
