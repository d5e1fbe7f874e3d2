"""The leaver introduces the successor to one client, step by step; what a client refuses becomes a visit."""

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from services.offboarding.assignees.handlers import lock_chosen_assignee
from services.offboarding.assignees.store import get_head_of_sales
from services.offboarding.cases.runner import answer_case, require_locked_case
from services.offboarding.introductions import lifecycle, rules, store
from services.offboarding.permissions.handlers import lock_participants
from services.offboarding.permissions.rules import Row, Viewer
from services.offboarding.permissions.store import is_head_of_case
from services.offboarding.saga import Case, Reply
from services.offboarding.visits.lifecycle import open_visits
from shared.contracts.clients import ClientMerged, ClientTransferred, GrantPasses, PassWanted
from shared.database import UnitOfWork
from shared.errors import Forbidden, NotFound
from shared.ids import uuid7
from shared.messages import Envelope


async def take_introduction_step(
    work: UnitOfWork, viewer: Viewer, introduction_id: str, wanted: rules.IntroductionStep, said: Mapping[str, Any]
) -> Row:
    """Takes one step. Raises `NotFound`, `Forbidden`, `NotItsTurn`, `Closed`. The same again gives the same answer."""
    seen = await work.fetch_row(
        "SELECT i.*, c.employee_id FROM introductions i JOIN cases c ON c.id = i.case_id WHERE i.id = :id",
        id=introduction_id,
    )
    if seen is None:
        raise NotFound
    head = await is_head_of_case(work, viewer, seen["case_id"])
    party = viewer.sub in (seen["from_id"], seen["to_id"])
    if not (head or party):
        raise NotFound
    await lock_participants(work, seen["employee_id"], frozen_too=viewer.sub == seen["from_id"])
    row, case = await require_locked_case(work, seen["case_id"])
    now = await _lock_introduction(work, introduction_id)
    if not head and not _may_take_step(wanted, viewer.sub, now, said.get("by")):
        raise Forbidden
    form = said.get("form") or now["form"]
    moved = rules.take_step(now["status"], wanted, form)
    if not moved.changed:
        return now
    changed = await _update_introduction(work, now, moved.status, form, said, wanted)
    work.publish(lifecycle.make_introduction_changed(row, changed))
    if wanted == "brief":
        changed = await _request_pass(work, row, case, changed, said)
    if moved.status == "refused":
        visited = {"client_id": changed["client_id"], "rank": changed["rank"], "why": [f"refused_by_{said['by']}"]}
        head_of_sales = await lock_chosen_assignee(work, lambda: get_head_of_sales(work, row["employee_id"]))
        await open_visits(work, row, [visited], head_of_sales)
    if moved.status in ("confirmed", "refused") and not await store.exists_open_introduction(work, case.id):
        await answer_case(work, row, case, *_replies_when_all_introduced(case))
    return changed


def _replies_when_all_introduced(case: Case) -> list[Reply]:
    return [Reply(f"{case.id}/hand_over/introductions")] if case.is_over("transfer") else []


def _may_take_step(wanted: rules.IntroductionStep, sub: str, introduction: Row, by: str | None) -> bool:
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


async def _lock_introduction(work: UnitOfWork, introduction_id: str) -> Row:
    found = await work.fetch_row("SELECT * FROM introductions WHERE id = :id FOR UPDATE", id=introduction_id)
    if found is None:
        raise NotFound
    return found


async def _update_introduction(
    work: UnitOfWork, now: Row, status: str, form: str, said: Mapping[str, Any], wanted: rules.IntroductionStep
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
    return await _lock_introduction(work, now["id"])


async def _request_pass(work: UnitOfWork, row: Row, case: Case, introduction: Row, said: Mapping[str, Any]) -> Row:
    """The successor is briefed: the leaver may see this one client until they have met."""
    zone = ZoneInfo(work.settings.timezone)
    window = rules.compute_pass_window(work.now, said.get("next_date"), row["last_day"], zone)
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
    return await _lock_introduction(work, introduction["id"])


async def on_client_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """What is still to be done with the client is to be done with the one that it is part of now."""
    ids = {"id": envelope.data.client_id, "into": envelope.data.into_id}
    left = "status IN ('proposed', 'accepted', 'briefed', 'introduced')"
    await work.execute(f"UPDATE introductions SET client_id = :into WHERE client_id = :id AND {left}", **ids)
    await work.execute("UPDATE visits SET client_id = :into WHERE client_id = :id AND status = 'open'", **ids)


async def on_client_transferred(work: UnitOfWork, envelope: Envelope[ClientTransferred]) -> None:
    """A person gave a client to somebody else than the plan did: that colleague is to be introduced instead."""
    if envelope.data.kind != "manual":
        return
    changes = [change.model_dump(include={"client_id", "to_id", "sequence"}) for change in envelope.data.changes()]
    changed = await work.fetch_rows(
        """
        UPDATE introductions i SET to_id = n.to_id, client_sequence = n.sequence,
            changed_at = CASE WHEN i.to_id = n.to_id THEN i.changed_at ELSE :now END,
            status = CASE WHEN i.to_id = n.to_id THEN i.status ELSE 'proposed' END,
            brief = CASE WHEN i.to_id = n.to_id THEN i.brief END
        FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS n (client_id text, to_id text, sequence bigint), cases c
        WHERE i.client_id = n.client_id AND i.client_sequence < n.sequence AND c.id = i.case_id AND c.employee_id <> n.to_id
              AND i.status IN ('proposed', 'accepted', 'briefed', 'introduced')
        RETURNING i.*, c.employee_id AS leaver_id, i.changed_at = :now AS is_another
        """,
        changes=json.dumps(changes),
        now=work.now,
    )
    work.publish(
        *(
            lifecycle.make_introduction_changed({"id": one["case_id"], "employee_id": one["leaver_id"]}, one)
            for one in changed
            if one["is_another"]
        )
    )
