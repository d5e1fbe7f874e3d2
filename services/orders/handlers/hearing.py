"""What `clients` says: which clients there are, and which passes release held stages."""

from services.orders.handlers.freezes import hold
from shared.contracts.clients import ClientChanged, ClientMerged, OwnershipEvent, PassEvent, PassGranted
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.store import lock_people
from shared.service import Runtime


async def hear_clients(work: UnitOfWork, envelope: Envelope[OwnershipEvent]) -> None:
    changes = envelope.data.changes()
    await work.execute(
        """
        INSERT INTO known_clients AS k (client_id, owner_id, heard)
        SELECT DISTINCT ON (client_id) client_id, owner_id, heard
        FROM unnest(CAST(:ids AS text[]), CAST(:owners AS text[]), CAST(:heard AS bigint[])) AS c (client_id, owner_id, heard)
        ORDER BY client_id, heard DESC
        ON CONFLICT (client_id) DO UPDATE SET owner_id = excluded.owner_id, heard = excluded.heard
        WHERE k.heard < excluded.heard
        """,
        ids=[change.client_id for change in changes],
        owners=[change.to_id for change in changes],
        heard=[change.sequence for change in changes],
    )


async def hear_client(work: UnitOfWork, envelope: Envelope[ClientChanged]) -> None:
    await work.execute(
        "INSERT INTO known_clients (client_id) VALUES (:id) ON CONFLICT DO NOTHING", id=envelope.data.client_id
    )


MERGED = """
    WITH passed AS (
        UPDATE passes SET client_id = :into WHERE client_id = :id
    )
    UPDATE orders SET client_id = :into, version = version + 1 WHERE client_id = :id
"""


async def hear_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """The orders of the client are those of the other from now on. Whoever is placing one holds the row that goes first."""
    ids = {"id": envelope.data.client_id, "into": envelope.data.into_id}
    await work.execute("DELETE FROM known_clients WHERE client_id = :id", id=ids["id"])
    await work.execute(
        "INSERT INTO known_clients (client_id, owner_id) VALUES (:into, :owner) ON CONFLICT DO NOTHING",
        into=ids["into"],
        owner=envelope.data.owner_id,
    )
    await work.execute(MERGED, **ids)


async def hear_pass(work: UnitOfWork, envelope: Envelope[PassEvent]) -> None:
    """Only a `work` pass lets somebody go on with stages. One that was withdrawn is never granted again."""
    event = envelope.data
    if event.purpose != "work":
        return
    await lock_people(work, changing=[event.employee_id])
    granted = isinstance(event, PassGranted)
    await work.execute(
        """
        INSERT INTO passes AS p (pass_id, employee_id, client_id, from_time, until_time, begun, ended)
        VALUES (:id, :employee_id, :client_id, :from_time, :until_time, CAST(:from_time AS timestamptz) <= :now, :ended)
        ON CONFLICT (pass_id) DO UPDATE SET ended = p.ended OR excluded.ended
        """,
        id=event.pass_id,
        employee_id=event.employee_id,
        client_id=event.client_id,
        from_time=event.from_time,
        until_time=event.until_time,
        now=work.now,
        ended=not granted,
    )
    await hold(work, [event.employee_id])


async def follow_passes(runtime: Runtime) -> bool:
    """Ticker: passes begin and end by themselves."""
    return await runtime.transact(turn_passes)


async def turn_passes(work: UnitOfWork) -> bool:
    due = "NOT ended AND (until_time <= :now OR (NOT begun AND from_time <= :now))"
    found = await work.fetch_rows(
        f"SELECT DISTINCT employee_id FROM passes WHERE {due} ORDER BY employee_id LIMIT 100", now=work.now
    )
    if not found:
        return False
    ids = [row["employee_id"] for row in found]
    await lock_people(work, changing=ids)
    await work.execute(
        f"""
        UPDATE passes SET begun = begun OR from_time <= :now, ended = until_time <= :now
        WHERE {due} AND employee_id = ANY(:ids)
        """,
        now=work.now,
        ids=ids,
    )
    await hold(work, ids)
    return True
