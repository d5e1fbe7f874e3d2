"""What orders tell of clients, and what `staff` says of departments and policies."""

from services.clients.copies import store
from shared.contracts.orders import OrderEvent, StageEvent, StagesTransferred
from shared.contracts.staff import DepartmentChanged, PolicyAcknowledged, PolicyPublished
from shared.database import UnitOfWork
from shared.messages import Envelope
from shared.people.policies import update_policy_deadlines
from shared.people.store import apply_department_event, lock_people
from shared.service import Runtime


async def on_order_changed(work: UnitOfWork, envelope: Envelope[OrderEvent]) -> None:
    await store.upsert_orders(work, envelope.data.states())


async def on_stage_changed(work: UnitOfWork, envelope: Envelope[StageEvent]) -> None:
    await store.upsert_orders(work, [envelope.data.order])


async def on_stages_transferred(work: UnitOfWork, envelope: Envelope[StagesTransferred]) -> None:
    await store.upsert_orders(work, envelope.data.orders)


async def on_department_changed(work: UnitOfWork, envelope: Envelope[DepartmentChanged]) -> None:
    await apply_department_event(work, envelope)
    await update_policy_deadlines(work)


async def on_policy_published(work: UnitOfWork, envelope: Envelope[PolicyPublished]) -> None:
    await store.insert_policy_version(work, envelope.data)
    await update_policy_deadlines(work)


async def on_policy_acknowledged(work: UnitOfWork, envelope: Envelope[PolicyAcknowledged]) -> None:
    event = envelope.data
    if event.state == "acknowledged":
        await lock_people(work, for_update=[event.employee_id])
        await store.upsert_acknowledgement(work, event.employee_id, event.employment_id, event.policy_id, event.version)
        await update_policy_deadlines(work, event.employee_id)


async def update_policy_deadlines_of_today(runtime: Runtime) -> bool:
    """A version that comes into force today takes the place of the one before it."""
    await runtime.transact(update_policy_deadlines)
    return False
