"""Reads that leave a trace, and figures that need a rule."""

from typing import Any

from services.orders.domain import curves
from services.orders.domain.bench import Bench
from services.orders.handlers.journal import note
from services.orders.store import bench as bench_store
from services.orders.store import orders as store
from services.orders.store import reports
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import NotFound


async def open_stages(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    stages = await reports.open_stages(work, employee_id)
    note(work, "stages.read", employee_id, stages=len(stages))
    return stages


async def sales_curve(work: UnitOfWork, principal: Principal, frozen: bool, employee_id: str) -> dict[str, Any]:
    """Raises `NotFound` where the caller may not see this person's figures."""
    if not await reports.may_see_person(work, principal, frozen, employee_id):
        raise NotFound
    months = await reports.sales_by_month(work, employee_id, curves.window(work.today))
    curve = curves.curve(months)
    return {
        "employee_id": employee_id,
        "phase": curve.phase,
        "months": [
            {"month": month.month, "revenue": f"{month.revenue:.2f}", "orders": month.orders} for month in months
        ],
        "evidence": {
            "months": curve.months,
            "mean": f"{curve.mean:.2f}",
            "change": curve.change,
            "uncertainty": curve.uncertainty,
        },
        "proposal": await _stages_to_give(work, employee_id) if curve.phase == "plateau" else [],
    }


async def _stages_to_give(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    """At the plateau: the open stages that somebody else could do, so that the seller sells again."""
    orders = await store.load(work, await reports.other_stages(work, employee_id))
    stages = [
        (order, stage)
        for order in orders.values()
        for stage in order.stages
        if stage.open and stage.employee_id == employee_id and stage.function != "sales"
    ]
    functions = {stage.function for _, stage in stages}
    bench = Bench(
        seat for seat in await bench_store.seats(work, functions, work.today) if seat.employee_id != employee_id
    )
    proposed = (
        {
            "order_id": order.order_id,
            "stage": stage.name,
            "function": stage.function,
            "could": bench.could(order, stage, 3),
        }
        for order, stage in stages
    )
    return [proposal for proposal in proposed if proposal["could"]]
