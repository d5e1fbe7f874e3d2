"""The leaver introduces the successor to one client, step by step; what a client refuses becomes a visit."""

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from services.offboarding.domain import introductions
from services.offboarding.handlers import moving
from services.offboarding.handlers.opening import introduction_event, introductions_left, open_visits
from services.offboarding.saga import Case, Reply
from services.offboarding.store import people as places
from services.offboarding.store.seeing import Viewer, hold, leads
from shared.contracts.clients import GrantPasses, PassWanted
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.ids import uuid7

Row = Mapping[str, Any]


async def act(
    work: UnitOfWork, viewer: Viewer, introduction_id: str, wanted: introductions.Act, said: Mapping[str, Any]
) -> Row:
    """Takes one step. Raises `NotFound`, `Forbidden`, `NotItsTurn`, `Closed`. The same again gives the same answer."""
    seen = await work.fetch_row(
        "SELECT i.*, c.employee_id FROM introductions i JOIN cases c ON c.id = i.case_id WHERE i.id = :id",
        id=introduction_id,
    )
    if seen is None:
        raise NotFound
    head = await leads(work, viewer, seen["case_id"])
    party = viewer.sub in (seen["from_id"], seen["to_id"])
    if not (head or party):
        raise NotFound
    await hold(work, seen["employee_id"], frozen_too=viewer.sub == seen["from_id"])
    row, case = await moving.locked(work, seen["case_id"])
    now = await _load(work, introduction_id)
    if not head and not _may(wanted, viewer.sub, now, said.get("by")):
        raise Forbidden
    form = said.get("form") or now["form"]
    moved = introductions.act(now["status"], wanted, form)
    if not moved.changed:
        return now
    changed = await _save(work, now, moved.status, form, said, wanted)
    work.publish(introduction_event(row, changed))
    if wanted == "brief":
        changed = await _ask_for_pass(work, row, case, changed, said)
    if moved.status == "refused":
        visited = {"client_id": changed["client_id"], "rank": changed["rank"], "why": [f"refused_by_{said['by']}"]}
        head_of_sales = await places.held(work, lambda: places.head_of_sales(work, row["employee_id"]))
        await open_visits(work, row, [visited], head_of_sales)
    if moved.status in ("confirmed", "refused") and not await introductions_left(work, case.id):
        await moving.reply(work, row, case, *_all_introduced(case))
    return changed


def _all_introduced(case: Case) -> list[Reply]:
    return [Reply(f"{case.id}/hand_over/introductions")] if case.is_over("transfer") else []


def _may(wanted: introductions.Act, sub: str, introduction: Row, by: str | None) -> bool:
    """Each step is taken by whose turn it is; either tells what was said together, or what the client decided."""
    match wanted:
        case "accept" | "confirm":
            return bool(sub == introduction["to_id"])
        case "brief":
            return bool(sub == introduction["from_id"])
        case "refuse" if by in ("successor", "leaver"):
            return bool(sub == introduction["to_id" if by == "successor" else "from_id"])
        case _:
            return True


async def _load(work: UnitOfWork, introduction_id: str) -> Row:
    found = await work.fetch_row("SELECT * FROM introductions WHERE id = :id FOR UPDATE", id=introduction_id)
    if found is None:
        raise NotFound
    return found


async def _save(
    work: UnitOfWork, now: Row, status: str, form: str, said: Mapping[str, Any], wanted: introductions.Act
) -> Row:
    brief = {name: value for name, value in said.items() if value is not None} if wanted == "brief" else now["brief"]
    await work.execute(
        """
        UPDATE introductions SET status = :status, form = :form, brief = CAST(:brief AS jsonb), by = :by, how = :how,
                                 reason = :reason, changed_at = :now
        WHERE id = :id
        """,
        id=now["id"],
        status=status,
        form=form,
        brief=json.dumps(brief, default=str) if brief is not None else None,
        by=said.get("by"),
        how=said.get("how"),
        reason=said.get("reason"),
        now=work.now,
    )
    return await _load(work, now["id"])


async def _ask_for_pass(work: UnitOfWork, row: Row, case: Case, introduction: Row, said: Mapping[str, Any]) -> Row:
    """The successor is briefed: the leaver may see this one client until they have met."""
    zone = ZoneInfo(work.settings.timezone)
    window = introductions.pass_window(work.now, said.get("next_date"), row["last_day"], zone)
    if window is None or introduction["form"] == "none":
        return introduction
    wanted = PassWanted(
        pass_id=uuid7(),  # briefed anew, for another colleague or another day, it is another pass
        replaces=introduction["pass_id"],
        client_id=introduction["client_id"],
        from_time=window[0],
        until_time=window[1],
    )
    work.send(
        GrantPasses(
            command_id=f"{case.id}/hand_over/pass-{wanted.pass_id}",
            case_id=case.id,
            epoch=case.epoch,
            employee_id=row["employee_id"],
            items=[wanted],
        )
    )
    await work.execute(
        "UPDATE introductions SET pass_id = :pass_id, pass_status = 'asked' WHERE id = :id",
        pass_id=wanted.pass_id,
        id=introduction["id"],
    )
    return await _load(work, introduction["id"])
