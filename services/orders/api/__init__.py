"""The REST door of orders."""

from fastapi import APIRouter

from services.orders.api import figures, flows, imports, orders, personal, planning

router = APIRouter()
for part in (flows, orders, imports, figures, planning, personal):
    router.include_router(part.router)
