"""The sales curve of an employee, with the stages that others could take from them."""

from typing import Any

from services.orders.figures import rules, store
from services.orders.orders.store import list_orders
from services.orders.staffing.rules import Roster
from services.orders.staffing.store import list_capacities
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import NotFound


async def get_sales_curve(work: UnitOfWork, principal: Principal, frozen: bool, employee_id: str) -> dict[str, Any]:
    """Raises `NotFound` where the caller may not see this person's figures."""
    if not await store.may_see_figures(work, principal, frozen, employee_id):
        raise NotFound
    months = await store.list_sales_by_month(work, employee_id, rules.list_full_months(work.today))
    curve = rules.fit_sales_curve(months)
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
        "proposal": await _list_delegable_stages(work, employee_id) if curve.phase == "plateau" else [],
    }


async def _list_delegable_stages(work: UnitOfWork, employee_id: str) -> list[dict[str, Any]]:
    """At the plateau: the open stages that somebody else could do, so that the seller sells again."""
    orders = await list_orders(work, await store.list_delegable_orders(work, employee_id))
    stages = [
        (order, stage)
        for order in orders.values()
        for stage in order.stages
        if stage.open and stage.employee_id == employee_id and stage.function != "sales"
    ]
    functions = {stage.function for _, stage in stages}
    bench = Roster(
        seat for seat in await list_capacities(work, functions, work.today) if seat.employee_id != employee_id
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
