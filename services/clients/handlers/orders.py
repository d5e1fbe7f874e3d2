"""What orders tell of clients: their value, and who works on a stage."""

from services.clients.store import orders
from shared.contracts.orders import OrderEvent, StageEvent, StagesTransferred
from shared.database import UnitOfWork
from shared.messages import Envelope


async def hear_order(work: UnitOfWork, envelope: Envelope[OrderEvent]) -> None:
    await orders.take_over(work, envelope.data.states())


async def hear_stage(work: UnitOfWork, envelope: Envelope[StageEvent]) -> None:
    await orders.take_over(work, [envelope.data.order])


async def hear_stages_transferred(work: UnitOfWork, envelope: Envelope[StagesTransferred]) -> None:
    await orders.take_over(work, envelope.data.orders)
