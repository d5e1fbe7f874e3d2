"""The certificate, for those who may know of the case."""

from services.offboarding.cases.store import get_visible_case
from services.offboarding.certificates import store
from services.offboarding.certificates.rules import Certificate
from services.offboarding.permissions.rules import Viewer
from shared.database import UnitOfWork


async def get_certificate(work: UnitOfWork, viewer: Viewer, case_id: str) -> Certificate:
    """Raises `NotFound`, `NotCleared`."""
    return await store.get_certificate(work, await get_visible_case(work, viewer, case_id))
