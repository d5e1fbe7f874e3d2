"""Rows of plans as the planner takes them."""

from collections.abc import Mapping
from typing import Any

from services.offboarding.planner import StageItem


def to_stage_item(stage: Mapping[str, Any], about: Mapping[str, Any], department: str | None = None) -> StageItem:
    return StageItem(
        order_id=stage["order_id"],
        stage=stage["stage"],
        function=about["function"],
        client_id=stage["client_id"],
        effort=float(stage["effort"]),
        taken={name: who for name, who in about["taken"].items() if who},
        apart=frozenset(about["apart"]),
        prefer_department=department,
    )
