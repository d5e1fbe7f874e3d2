"""The sales curve of an employee, with the stages that others could take from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.orders.figures import rules, store
from services.orders.orders.store import list_orders
from services.orders.staffing.rules import Roster
from services.orders.staffing.store import list_capacities
from shared.auth import Principal
from shared.database import UnitOfWork
from shared.errors import NotFound

CANDIDATES_SHOWN = 3


@dataclass(frozen=True)
class DelegableStage:
    """An open stage, and who else could do it."""

    order_id: str
    stage: str
    function: str
    could: Sequence[str]


@dataclass(frozen=True)
class EmployeeSalesCurve:
    """`proposal`: at the plateau, what others could take over, so that the seller sells again."""

    employee_id: str
    months: Sequence[rules.SalesMonth]
    evidence: rules.SalesTrend
    proposal: Sequence[DelegableStage]

    @property
    def phase(self) -> rules.SalesPhase:
        return self.evidence.phase


async def get_sales_curve(work: UnitOfWork, principal: Principal, frozen: bool, employee_id: str) -> EmployeeSalesCurve:
    """Raises `NotFound` where the caller may not see this person's figures."""
    if frozen or not await store.may_see_figures(work, principal, employee_id):
        raise NotFound
    months = await store.list_sales_by_month(work, employee_id, rules.list_full_months(work.today))
    curve = rules.fit_sales_trend(months)
    proposal = await _list_delegable_stages(work, employee_id) if curve.phase == "plateau" else []
    return EmployeeSalesCurve(employee_id, months, curve, proposal)


async def _list_delegable_stages(work: UnitOfWork, employee_id: str) -> list[DelegableStage]:
    """The open stages of this person, but `sales`, that somebody else could do."""
    orders = await list_orders(work, await store.list_delegable_order_ids(work, employee_id))
    stages = [
        (order, stage)
        for order in orders.values()
        for stage in order.stages
        if stage.open and stage.employee_id == employee_id and stage.function != "sales"
    ]
    capacities = await list_capacities(work, {stage.function for _, stage in stages})
    others = Roster(capacity for capacity in capacities if capacity.employee_id != employee_id)
    proposal = (
        DelegableStage(
            order.order_id, stage.name, stage.function, others.list_candidates(order.get_need(stage), CANDIDATES_SHOWN)
        )
        for order, stage in stages
    )
    return [stage for stage in proposal if stage.could]
