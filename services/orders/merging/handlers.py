"""Two clients were merged: orders, passes and the copy follow."""

from services.orders.copies.store import delete_client, insert_client
from services.orders.freezes.store import merge_passes_of_client
from services.orders.orders.store import merge_orders_of_client
from shared.contracts.clients import ClientMerged
from shared.database import UnitOfWork
from shared.messages import Envelope


async def on_client_merged(work: UnitOfWork, envelope: Envelope[ClientMerged]) -> None:
    """The orders of the client are those of the other from now on. Whoever is placing one holds the row that goes first."""
    event = envelope.data
    await delete_client(work, event.client_id)
    await insert_client(work, event.into_id, event.owner_id)
    await merge_passes_of_client(work, event.client_id, event.into_id)
    await merge_orders_of_client(work, event.client_id, event.into_id)
