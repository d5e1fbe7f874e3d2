"""What `staff` says of policies, and who may see nothing before they have acknowledged one."""

from services.clients.store import policies
from shared.contracts.staff import PolicyAcknowledged, PolicyPublished
from shared.database import UnitOfWork
from shared.errors import Forbidden
from shared.messages import Envelope
from shared.people.store import is_frozen, lock_people
from shared.service import Runtime


class PolicyNotAcknowledged(Forbidden, code="policy_not_acknowledged"):
    """First acknowledge the current version of the policy that is required for access to clients."""

    def __init__(self) -> None:
        super().__init__(reason="policy_not_acknowledged")


async def hear_published(work: UnitOfWork, envelope: Envelope[PolicyPublished]) -> None:
    await policies.keep(work, envelope.data)
    await policies.bind(work)


async def hear_acknowledged(work: UnitOfWork, envelope: Envelope[PolicyAcknowledged]) -> None:
    event = envelope.data
    if event.state == "acknowledged":
        await lock_people(work, changing=[event.employee_id])
        await policies.acknowledge(work, event.employee_id, event.employment_id, event.policy_id, event.version)
        await policies.bind(work, event.employee_id)


async def bind_of_today(runtime: Runtime) -> bool:
    """A version that comes into force today takes the place of the one before it."""
    await runtime.transact(policies.bind)
    return False


async def shut_out(work: UnitOfWork) -> str | None:
    """Why the caller may see no client at all: `frozen`, `policy_not_acknowledged`; None: they may."""
    if await is_frozen(work.connection, work.actor):
        return "frozen"
    return "policy_not_acknowledged" if await policies.must_acknowledge(work) else None
