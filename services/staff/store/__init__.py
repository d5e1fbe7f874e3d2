"""Tables of `staff`, and how they are read and written."""

from services.staff.store.tables import metadata

__all__ = ["metadata"]
