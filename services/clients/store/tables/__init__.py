"""The tables of clients, by subject."""

from services.clients.store.tables import access, erasing, journal, knowing, limits, register, usage
from services.clients.store.tables.base import metadata

__all__ = ["access", "erasing", "journal", "knowing", "limits", "metadata", "register", "usage"]
