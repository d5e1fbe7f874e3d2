"""What `clients` and `orders` answer to the commands of a case."""

import json
from collections.abc import Sequence

from services.offboarding.handlers import moving
from services.offboarding.handlers.asking import bulk_of
from services.offboarding.handlers.opening import introduction_event, propose_introductions
from services.offboarding.handlers.remaining import visit_remainder
from services.offboarding.saga import Item, Outcome, Reply
from services.offboarding.store import cases
from shared.contracts.clients import ClientMerged, ClientTransferred, CommandAnswered, Result
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.store import lock_people

# A move that found its object elsewhere, or gone: somebody was faster, and nothing is left to do.
SETTLED = ("done", "not_owner", "not_assignee", "not_in_team", "unknown_client", "unknown_stage", "closed")


async def hear_answer(work: UnitOfWork, envelope: Envelope[CommandAnswered]) -> None:
    """Notes the result of each move, opens the introductions of what has moved, and tells the case."""
    answer = envelope.data
    if "/pass-" in answer.command_id:
        await _note_pass(work, answer)
        return
    await lock_people(work, changing=[answer.employee_id])
    found = await cases.load(work, answer.case_id)
    if found is None:
        return
    row, case = found
    item = next((item for item in case.items if case.id_of(item) == answer.command_id), None)
    if item is None or item.status != "asked":
        return
    failed = 0
    bulk = bulk_of(item)
    if bulk is not None:
        failed = await _note_results(work, case.id, item, answer)
        part, version, chunk = bulk
        if part == "client" and not item.undoes and not case.undo:
            await propose_introductions(work, row, case, version, chunk)
        elif part == "left_client":
            await visit_remainder(work, row, case, version, chunk)
    if answer.outcome == "done" and (not failed or item.undoes):
        reply = Reply(answer.command_id)
    else:
        outcome: Outcome = "stale" if answer.outcome == "stale" else "failed"
        reply = Reply(answer.command_id, outcome, answer.reason or ("partly_refused" if failed else answer.outcome))
    await moving.reply(work, row, case, reply)


async def _note_results(work: UnitOfWork, case_id: str, item: Item, answer: CommandAnswered) -> int:
    """Writes what became of each move of the chunk; returns how many are still to be made."""
    part, version, chunk = bulk_of(item) or ("", 0, 0)
    column = "returned" if item.undoes else "outcome"
    results: Sequence[Result] = answer.results if answer.outcome == "done" else ()
    failed: int = await work.fetch_value(
        f"""
        WITH results AS (
            SELECT DISTINCT ON (id) id, outcome FROM jsonb_to_recordset(CAST(:results AS jsonb)) AS r (id text, outcome text)
        ), noted AS (
            UPDATE moves m SET {column} = coalesce((SELECT r.outcome FROM results r WHERE r.id = CASE
                    WHEN m.order_id <> '' THEN m.order_id || '/' || m.stage
                    WHEN m.function <> '' THEN m.client_id || '/' || m.function ELSE m.client_id END), :otherwise),
                moved_at = :now
            WHERE m.case_id = :case_id AND m.version = :version AND m.part = :part AND m.chunk = :chunk
                  AND (:undoes OR m.outcome IS DISTINCT FROM 'done') AND (NOT :undoes OR m.outcome = 'done')
            RETURNING m.{column} AS outcome
        )
        SELECT count(*) FROM noted WHERE outcome <> ALL(:settled)
        """,
        results=json.dumps([{"id": result.id, "outcome": result.outcome} for result in results]),
        otherwise=answer.reason or answer.outcome if answer.outcome != "done" else "not_asked",
        now=work.now,
        case_id=case_id,
        version=version,
        part=part,
        chunk=chunk,
        undoes=item.undoes,
        settled=list(SETTLED),
    )
    return failed


async def _note_pass(work: UnitOfWork, answer: CommandAnswered) -> None:
    refused = answer.outcome != "done" or any(result.outcome != "done" for result in answer.results)
    await work.execute(
        "UPDATE introductions SET pass_status = :status WHERE case_id = :case_id AND pass_id = :id",
        status="refused" if refused else "granted",
        case_id=answer.case_id,
        id=answer.command_id.rpartition("/pass-")[2],
    )


async def hear_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """What is still to be done with the client is to be done with the one that it is part of now."""
    ids = {"id": envelope.data.client_id, "into": envelope.data.into_id}
    left = "status IN ('proposed', 'accepted', 'briefed', 'introduced')"
    await work.execute(f"UPDATE introductions SET client_id = :into WHERE client_id = :id AND {left}", **ids)
    await work.execute("UPDATE visits SET client_id = :into WHERE client_id = :id AND status = 'open'", **ids)


async def hear_transferred(work: UnitOfWork, envelope: Envelope[ClientTransferred]) -> None:
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
            introduction_event({"id": one["case_id"], "employee_id": one["leaver_id"]}, one)
            for one in changed
            if one["is_another"]
        )
    )
