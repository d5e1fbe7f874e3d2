"""Tables and the statements on them."""

from services.offboarding.store.tables import metadata

__all__ = ["metadata"]
