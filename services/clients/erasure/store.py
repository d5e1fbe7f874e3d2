"""Emptying what says who somebody is, and the acts of it. Rows, ids, dates and figures stay."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.names.store import MERGED_SYSTEM
from shared.database import UnitOfWork

ERASED_TEXT = "(erased)"  # where something must stand

ERASE_EMPLOYEE_SQL = """
    WITH met AS (
        UPDATE interactions SET summary = NULL
        WHERE :id IN (employee_id, by_id) AND summary IS NOT NULL RETURNING 1
    ), said AS (
        UPDATE feedback SET note = NULL WHERE by_id = :id AND note IS NOT NULL RETURNING 1
    ), moved AS (
        UPDATE history SET reason = NULL WHERE :id IN (by_id, from_id, to_id) AND reason IS NOT NULL RETURNING 1
    ), lifted AS (
        UPDATE liftings SET reason = :nobody WHERE :id IN (employee_id, by_id) AND reason <> :nobody RETURNING 1
    ), granted AS (
        UPDATE export_grants SET reason = :nobody WHERE :id IN (employee_id, granted_by) AND reason <> :nobody RETURNING 1
    ), used AS (
        DELETE FROM usage WHERE employee_id = :id RETURNING 1
    ), taken AS (
        DELETE FROM exported WHERE employee_id = :id RETURNING 1
    ), counted AS (
        DELETE FROM export_days WHERE employee_id = :id
    )
    SELECT (SELECT count(*) FROM met) AS summaries, (SELECT count(*) FROM said) AS feedback_notes,
           (SELECT count(*) FROM moved) + (SELECT count(*) FROM lifted) + (SELECT count(*) FROM granted) AS reasons,
           (SELECT count(*) FROM used) + (SELECT count(*) FROM taken) AS usage
"""


async def erase_employee(work: UnitOfWork, employee_id: str) -> dict[str, int]:
    """How many of each kind. Who it is about was locked before."""
    return dict(await work.fetch_row(ERASE_EMPLOYEE_SQL, id=employee_id, nobody=ERASED_TEXT) or {})


# Orders, values and owners are figures and truths; the ids of clients that were merged into it are keys like its own.
ERASE_CLIENT_SQL = """
    WITH profile AS (
        UPDATE profiles SET name = :nobody, regions = '[]', languages = '[]', contacts = '[]', external_ids = '{}',
               status = 'closed', fingerprint = '', imported = NULL
        WHERE client_id = :id RETURNING 1
    ), contacts AS (
        SELECT jsonb_array_length(contacts) AS number FROM profiles WHERE client_id = :id
    ), met AS (
        UPDATE interactions SET summary = NULL WHERE client_id = :id AND summary IS NOT NULL RETURNING 1
    ), said AS (
        UPDATE feedback SET note = NULL WHERE client_id = :id AND note IS NOT NULL RETURNING 1
    ), called AS (
        DELETE FROM external_ids WHERE client_id = :id AND system <> :merged RETURNING 1
    ), forgotten AS (
        DELETE FROM imported_rows WHERE client_id = :id
    ), unnamed AS (
        DELETE FROM surrogates WHERE kind = 'client' AND id = ANY(CAST(:merged_ids AS text[]) || CAST(:id AS text))
    ), named AS (
        UPDATE clients SET version = version + 1, surrogate = gen_random_uuid() WHERE client_id = :id
    )
    SELECT (SELECT count(*) FROM profile) AS profile, (SELECT number FROM contacts) AS contacts,
           (SELECT count(*) FROM called) AS external_ids,
           (SELECT count(*) FROM met) AS summaries, (SELECT count(*) FROM said) AS feedback_notes,
           (SELECT count(*) FROM history WHERE client_id = ANY(CAST(:merged_ids AS text[]) || CAST(:id AS text))
            AND reason IS NOT NULL) AS reasons
"""


async def erase_client(work: UnitOfWork, client_id: str, merged: Sequence[str]) -> dict[str, int]:
    """How many of each kind. The journal names this client by another surrogate from now on. It was locked before."""
    row = await work.fetch_row(
        ERASE_CLIENT_SQL, id=client_id, merged_ids=list(merged), nobody=ERASED_TEXT, merged=MERGED_SYSTEM
    )
    return dict(row or {})


async def update_history_of_erased_client(work: UnitOfWork, client_id: str, merged: Sequence[str], leaf: str) -> None:
    """The history leads to the leaf of the erasure, no longer to leaves that name the client as before."""
    await work.execute(
        """
        WITH named AS (
            INSERT INTO surrogates (kind, id, surrogate) SELECT 'client', client_id, surrogate FROM clients
            WHERE client_id = :id ON CONFLICT DO NOTHING
        )
        UPDATE history SET reason = NULL, leaf = CAST(:leaf AS uuid)
        WHERE client_id = ANY(CAST(:merged AS text[]) || CAST(:id AS text))
        """,
        id=client_id,
        merged=list(merged),
        leaf=leaf,
    )


ERASE_CONTACT_SQL = """
    WITH person AS (
        SELECT nth - 1 AS place, ARRAY(SELECT lower(value) FROM jsonb_each_text(contact)
                                       WHERE key IN ('name', 'email', 'phone') AND length(value) > 2) AS words
        FROM profiles, jsonb_array_elements(contacts) WITH ORDINALITY AS c (contact, nth)
        WHERE client_id = :id AND contact ->> 'id' = :contact_id
    ), gone AS (
        UPDATE profiles SET contacts = contacts - CAST(place AS int), fingerprint = '' FROM person
        WHERE client_id = :id RETURNING 1
    ), met AS (
        UPDATE interactions SET summary = NULL FROM person WHERE client_id = :id
        AND EXISTS (SELECT 1 FROM unnest(words) AS named (word) WHERE position(word IN lower(summary)) > 0) RETURNING 1
    ), said AS (
        UPDATE feedback SET note = NULL FROM person WHERE client_id = :id
        AND EXISTS (SELECT 1 FROM unnest(words) AS named (word) WHERE position(word IN lower(note)) > 0) RETURNING 1
    ), moved AS (
        UPDATE history SET reason = NULL FROM person
        WHERE client_id = ANY(CAST(:merged AS text[]) || CAST(:id AS text)) AND reason IS NOT NULL
        AND EXISTS (SELECT 1 FROM unnest(words) AS named (word) WHERE position(word IN lower(reason)) > 0) RETURNING 1
    ), forgotten AS (
        DELETE FROM imported_rows WHERE kind = 'contacts' AND client_id = :id AND key = :contact_id
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id IN (SELECT :id FROM gone)
    )
    SELECT (SELECT count(*) FROM gone) AS contacts, (SELECT count(*) FROM met) AS summaries,
           (SELECT count(*) FROM said) AS feedback_notes, (SELECT count(*) FROM moved) AS reasons
"""


async def erase_contact(work: UnitOfWork, client_id: str, merged: Sequence[str], contact_id: str) -> dict[str, int]:
    """How many of each kind: the contact, and what names them by name, address or number. The client was locked before."""
    return dict(await work.fetch_row(ERASE_CONTACT_SQL, id=client_id, merged=list(merged), contact_id=contact_id) or {})


async def is_client_in_handover(work: UnitOfWork, client_id: str) -> bool:
    """Whether the owner of record is frozen: then others find out from what is noted here whom they take over."""
    found = await work.fetch_value(
        "SELECT p.frozen FROM clients c JOIN people p ON p.employee_id = c.owner_id WHERE c.client_id = :id",
        id=client_id,
    )
    return bool(found)


async def upsert_erasure(
    work: UnitOfWork,
    kind: str,
    id: str,
    what: Mapping[str, int],
    *,
    part: str = "",
    reason: str | None = None,
    held: bool = False,
) -> None:
    """The act; the first one counts."""
    await work.execute(
        """
        INSERT INTO erasures (kind, id, part, at, by_id, reason, what, held)
        VALUES (:kind, :id, :part, :now, :by, :reason, CAST(:what AS jsonb), :held)
        ON CONFLICT (kind, id, part) DO UPDATE SET held = excluded.held
        """,
        kind=kind,
        id=id,
        part=part,
        now=work.now,
        by=work.actor,
        reason=reason,
        what=json.dumps(what),
        held=held,
    )


async def get_erasure(work: UnitOfWork, kind: str, id: str, part: str = "") -> Mapping[str, Any] | None:
    return await work.fetch_row(
        "SELECT id, part, at AS erased_at, by_id, reason, what FROM erasures WHERE kind = :kind AND id = :id AND part = :part",
        kind=kind,
        id=id,
        part=part,
    )


async def update_erasure_released(work: UnitOfWork, employee_id: str) -> bool:
    """Whether the surrogate of somebody who was erased was kept for a hold: no longer."""
    return bool(
        await work.execute(
            "UPDATE erasures SET held = false WHERE kind = 'employee' AND id = :id AND held", id=employee_id
        )
    )


# -- under whom the journal names them ---------------------------------------------------------------------------------


async def delete_erased_surrogates(work: UnitOfWork) -> int:
    """Deletes the surrogates of all employees who were erased: also those that an entry on its way has made anew. How many.

    Nothing in the journal changes: its entries keep a surrogate that leads to nobody.
    """
    return await work.execute(
        """
        DELETE FROM surrogates s USING erasures e
        WHERE e.kind = 'employee' AND s.kind = 'employee' AND e.id = s.id AND NOT e.held
        """
    )


async def exists_legal_hold_on_owners(work: UnitOfWork, client_ids: Sequence[str]) -> bool:
    """Whether somebody who is held was ever responsible for one of these clients."""
    return bool(
        await work.fetch_value(
            """
            SELECT 1 FROM history h JOIN journal_holds j ON j.employee_id IN (h.from_id, h.to_id)
            WHERE h.client_id = ANY(:ids) LIMIT 1
            """,
            ids=list(client_ids),
        )
    )
