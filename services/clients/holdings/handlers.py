"""Keeps the alarm of clients that nobody has in hand."""

from services.clients.holdings.store.owners import count_unowned_clients
from shared.service import Runtime


async def update_unowned_clients_alarm(runtime: Runtime) -> bool:
    """Keeps the alarm of clients that nobody has in hand."""
    counted = await runtime.transact(count_unowned_clients)
    runtime.metrics.alarm.labels(runtime.name, "unowned").set(counted)
    return False
