"""The tables of clients, by subject."""

from services.clients.store.tables import access, erasing, journal, knowing, limits, policies, register, usage
from services.clients.store.tables.base import metadata

__all__ = ["access", "erasing", "journal", "knowing", "limits", "metadata", "policies", "register", "usage"]
