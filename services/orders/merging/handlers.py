"""Two clients were merged: orders, passes and the copy follow."""

from shared.contracts.clients import ClientMerged
from shared.database import UnitOfWork
from shared.messages import Envelope

MERGE_CLIENT_SQL = """
    WITH passed AS (
        UPDATE passes SET client_id = :into WHERE client_id = :id
    )
    UPDATE orders SET client_id = :into, version = version + 1 WHERE client_id = :id
"""


async def on_client_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """The orders of the client are those of the other from now on. Whoever is placing one holds the row that goes first."""
    ids = {"id": envelope.data.client_id, "into": envelope.data.into_id}
    await work.execute("DELETE FROM known_clients WHERE client_id = :id", id=ids["id"])
    await work.execute(
        "INSERT INTO known_clients (client_id, owner_id) VALUES (:into, :owner) ON CONFLICT DO NOTHING",
        into=ids["into"],
        owner=envelope.data.owner_id,
    )
    await work.execute(MERGE_CLIENT_SQL, **ids)
