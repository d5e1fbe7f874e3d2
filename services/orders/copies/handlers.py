"""What `clients` says of clients: which there are, and who owns each."""

from services.orders.copies import store
from shared.contracts.clients import ClientChanged, OwnerOfRecordEvent
from shared.database import UnitOfWork
from shared.messages import Envelope


async def on_client_owners_changed(work: UnitOfWork, envelope: Envelope[OwnerOfRecordEvent]) -> None:
    await store.upsert_client_owners(work, envelope.data.changes())


async def on_client_changed(work: UnitOfWork, envelope: Envelope[ClientChanged]) -> None:
    await store.insert_client(work, envelope.data.client_id)
