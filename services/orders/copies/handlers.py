"""What `clients` says of clients: which there are, and who owns each."""

from shared.contracts.clients import ClientChanged, OwnershipEvent
from shared.database import UnitOfWork
from shared.messages import Envelope


async def on_client_owners_changed(work: UnitOfWork, envelope: Envelope[OwnershipEvent]) -> None:
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


async def on_client_changed(work: UnitOfWork, envelope: Envelope[ClientChanged]) -> None:
    await work.execute(
        "INSERT INTO known_clients (client_id) VALUES (:id) ON CONFLICT DO NOTHING", id=envelope.data.client_id
    )
