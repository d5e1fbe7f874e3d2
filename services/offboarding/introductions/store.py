"""The introductions of cases."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

from services.offboarding.introductions.rules import OPEN_STATUSES, Introduction, IntroductionForm
from services.offboarding.moves.rules import MovedClient
from services.offboarding.permissions.rules import Viewer, require_found
from services.offboarding.permissions.store import IS_HEAD, list_page
from shared.database import UnitOfWork
from shared.paging import Paging

IS_OPEN = f"status IN {OPEN_STATUSES}"
SERVES = f"(i.to_id = :actor OR i.from_id = :actor OR {IS_HEAD} OR :director)"


async def list_introductions(work: UnitOfWork, viewer: Viewer, paging: Paging, case_id: str) -> list[Introduction]:
    """A page of a case. A brief says what the client is like: it is for those who serve the client, not for hr."""
    return await list_page(
        work,
        viewer,
        Introduction,
        f"""
        SELECT i.id, i.case_id, i.client_id, i.from_id, i.to_id, i.form, i.status, i.due_on, i.rank, i.by, i.how, i.pass_id,
               i.pass_status, i.changed_at, CASE WHEN {SERVES} THEN i.brief END AS brief,
               CASE WHEN {SERVES} THEN i.reason END AS reason
        FROM introductions i JOIN cases c ON c.id = i.case_id
        WHERE i.case_id = :case_id AND (:all OR {IS_HEAD} OR i.from_id = :actor OR i.to_id = :actor AND NOT :frozen)
        AND (CAST(:after AS text) IS NULL OR i.id > :after) ORDER BY i.id LIMIT :fetch
        """,
        paging,
        case_id=case_id,
    )


async def get_introduction(work: UnitOfWork, introduction_id: str) -> Introduction:
    """Raises `NotFound`."""
    return require_found(
        await work.fetch_one(Introduction, "SELECT * FROM introductions WHERE id = :id", id=introduction_id)
    )


async def lock_introduction(work: UnitOfWork, introduction_id: str) -> Introduction:
    """Raises `NotFound`."""
    return require_found(
        await work.fetch_one(Introduction, "SELECT * FROM introductions WHERE id = :id FOR UPDATE", id=introduction_id)
    )


async def exists_open_introduction(work: UnitOfWork, case_id: str) -> bool:
    return bool(
        await work.fetch_value(f"SELECT 1 FROM introductions WHERE case_id = :id AND {IS_OPEN} LIMIT 1", id=case_id)
    )


async def lock_open_introductions(work: UnitOfWork, case_ids: Sequence[str]) -> list[Introduction]:
    return await work.fetch_all(
        Introduction,
        f"SELECT * FROM introductions WHERE case_id = ANY(:ids) AND {IS_OPEN} ORDER BY id FOR UPDATE",
        ids=list(case_ids),
    )


async def lock_open_introductions_of_successor(work: UnitOfWork, to_id: str) -> list[Introduction]:
    """In the cases of others."""
    return await work.fetch_all(
        Introduction,
        f"SELECT * FROM introductions WHERE to_id = :id AND from_id <> :id AND {IS_OPEN} ORDER BY id FOR UPDATE",
        id=to_id,
    )


async def lock_open_introductions_of_clients(work: UnitOfWork, client_ids: Sequence[str]) -> list[Introduction]:
    return await work.fetch_all(
        Introduction,
        f"SELECT * FROM introductions WHERE client_id = ANY(:ids) AND {IS_OPEN} ORDER BY id FOR UPDATE",
        ids=list(client_ids),
    )


async def insert_introductions(
    work: UnitOfWork,
    case_id: str,
    leaver_id: str,
    clients: Sequence[tuple[MovedClient, IntroductionForm]],
    due_days: Mapping[IntroductionForm, date],
) -> list[Introduction]:
    """One per client of the case. Returns those that are new."""
    introductions = [
        {
            "client_id": client.client_id,
            "to_id": client.to_id,
            "rank": client.rank,
            "form": form,
            "due_on": due_days[form].isoformat(),
        }
        for client, form in clients
    ]
    return await work.fetch_all(
        Introduction,
        """
        INSERT INTO introductions (id, case_id, client_id, from_id, to_id, form, status, due_on, rank, opened_at, changed_at)
        SELECT CAST(md5(:case_id || '/introduction/' || client_id) AS uuid)::text, :case_id, client_id, :leaver, to_id,
               form, 'proposed', due_on, rank, :now, :now
        FROM jsonb_to_recordset(CAST(:introductions AS jsonb))
             AS n (client_id text, to_id text, form text, due_on date, rank int)
        ON CONFLICT (id) DO NOTHING RETURNING *
        """,
        case_id=case_id,
        leaver=leaver_id,
        introductions=json.dumps(introductions),
    )


async def update_introductions(work: UnitOfWork, introductions: Sequence[Introduction]) -> None:
    """Writes what may change of an introduction."""
    if introductions:
        await work.execute(
            """
            UPDATE introductions i SET to_id = n.to_id, form = n.form, status = n.status, due_on = n.due_on,
                   brief = n.brief, by = n.by, how = n.how, reason = n.reason, pass_id = n.pass_id,
                   pass_status = n.pass_status, pass_command_id = n.pass_command_id, client_sequence = n.client_sequence,
                   changed_at = n.changed_at
            FROM jsonb_populate_recordset(CAST(NULL AS introductions), CAST(:introductions AS jsonb)) AS n
            WHERE i.id = n.id
            """,
            introductions=json.dumps([vars(introduction) for introduction in introductions], default=str),
        )


async def merge_introductions(work: UnitOfWork, client_id: str, into_id: str) -> None:
    """What is still to be done with a client is to be done with the one that it is part of now."""
    await work.execute(
        f"UPDATE introductions SET client_id = :into WHERE client_id = :id AND {IS_OPEN}", id=client_id, into=into_id
    )


async def update_pass_status(work: UnitOfWork, case_id: str, command_id: str, is_granted: bool) -> bool:
    """Whether the pass that this command asked for was granted. False where the command asked for none."""
    changed = await work.execute(
        "UPDATE introductions SET pass_status = :status WHERE case_id = :case_id AND pass_command_id = :command_id",
        status="granted" if is_granted else "refused",
        case_id=case_id,
        command_id=command_id,
    )
    return changed > 0


async def erase_introduction_texts(
    work: UnitOfWork, case_ids: Sequence[str] = (), to_id: str | None = None, client_ids: Sequence[str] = ()
) -> int:
    """What was said in these cases, to this successor or about these clients. How many."""
    return await work.execute(
        """
        UPDATE introductions SET brief = NULL, by = NULL, how = NULL, reason = NULL
        WHERE (case_id = ANY(:cases) OR to_id = CAST(:to_id AS text) OR client_id = ANY(:clients))
          AND (brief IS NOT NULL OR coalesce(by, how, reason) IS NOT NULL)
        """,
        cases=list(case_ids),
        to_id=to_id,
        clients=list(client_ids),
    )
