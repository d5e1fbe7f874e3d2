"""Orders as their callers see them."""

from datetime import date
from typing import Any

from services.orders.domain.orders import Order, Stage


def order_view(order: Order, today: date) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "client_id": order.client_id,
        "flow_id": order.flow_id,
        "flow_version": order.flow_version,
        "value": f"{order.value:.2f}",
        "origin": order.origin,
        "status": order.status,
        "placed_on": _day(order.placed_on),
        "promised_on": _day(order.promised_on),
        "planned_on": _day(order.planned_on),
        "delivered_on": _day(order.delivered_on),
        "cancelled_on": _day(order.cancelled_on),
        "late": order.is_late(today),
        "version": order.version,
        "stages": [_stage_view(stage) for stage in order.stages],
    }


def _stage_view(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "function": stage.function,
        "effort": stage.effort,
        "days": stage.days,
        "status": stage.status,
        "assignee_id": stage.employee_id,
        "starts_on": _day(stage.starts_on),
        "due_on": _day(stage.due_on),
        "started_on": _day(stage.started_on),
        "completed_on": _day(stage.completed_on),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
