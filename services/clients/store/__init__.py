"""Tables, SQL and the prepared decision. Everything set-based."""

from services.clients.store.tables import metadata

__all__ = ["metadata"]
