"""One client becomes part of another: all that hangs on it goes over, its id stays as one more id of the other."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.clients.names.store import MERGED_SYSTEM
from shared.database import UnitOfWork

MERGE_CLIENTS_SQL = """
    WITH met AS (
        UPDATE interactions SET client_id = :into WHERE client_id = :id
    ), said AS (
        UPDATE feedback SET client_id = :into WHERE client_id = :id
    ), passed AS (
        UPDATE passes SET client_id = :into WHERE client_id = :id
    ), ordered AS (
        UPDATE client_orders SET client_id = :into WHERE client_id = :id
    ), staged AS (
        UPDATE open_stages SET client_id = :into WHERE client_id = :id
    ), unstaffed AS (
        DELETE FROM team WHERE client_id = :id RETURNING function, employee_id
    ), staffed AS (
        INSERT INTO team (client_id, function, employee_id) SELECT :into, function, employee_id FROM unstaffed
        ON CONFLICT DO NOTHING
    ), called AS (
        UPDATE external_ids SET client_id = :into WHERE client_id = :id
    ), named AS (
        INSERT INTO external_ids (system, id, client_id) VALUES (:merged, :id, :into)
    ), described AS (
        UPDATE profiles SET contacts = CAST(:contacts AS jsonb), external_ids = CAST(:external_ids AS jsonb)
        WHERE client_id = :into
    ), forgotten AS (
        DELETE FROM profiles WHERE client_id = :id
    ), imported AS (
        DELETE FROM imported_rows WHERE client_id = :id RETURNING kind, key, said
    ), remembered AS (
        INSERT INTO imported_rows (kind, client_id, key, said) SELECT kind, :into, key, said FROM imported
        ON CONFLICT DO NOTHING
    ), acted AS (
        INSERT INTO erasures (kind, id, part, at, by_id, reason, what, held)
        SELECT kind, :into, part, at, by_id, reason, what, held FROM erasures WHERE kind = 'contact' AND id = :id
        ON CONFLICT DO NOTHING
    ), ranked AS (
        DELETE FROM client_risks WHERE client_id = :id
    ), gone AS (
        DELETE FROM clients WHERE client_id = :id RETURNING owner_id
    ), counted AS (
        UPDATE portfolios SET clients = clients - 1 WHERE owner_id IN (SELECT owner_id FROM gone)
    ), bumped AS (
        UPDATE clients SET version = version + 1 WHERE client_id = :into RETURNING owner_id
    )
    INSERT INTO history (client_id, kind, from_id, to_id, at, by_id, leaf)
    SELECT :id, 'merged', gone.owner_id, bumped.owner_id, :now, :actor, CAST(:leaf AS uuid) FROM gone, bumped
"""


async def merge_clients(
    work: UnitOfWork,
    client_id: str,
    into_id: str,
    contacts: Sequence[Mapping[str, Any]],
    external_ids: Mapping[str, str],
    leaf: str,
) -> None:
    """`contacts` and `external_ids` are those of both. The clients, and their owners, were locked before."""
    await work.execute(
        MERGE_CLIENTS_SQL,
        id=client_id,
        into=into_id,
        merged=MERGED_SYSTEM,
        contacts=json.dumps(contacts),
        external_ids=json.dumps(external_ids),
        now=work.now,
        actor=work.actor,
        leaf=leaf,
    )
