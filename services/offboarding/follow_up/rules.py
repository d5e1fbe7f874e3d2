"""Figures of the time since a handover beside those of the same days a year before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.offboarding.permissions.rules import Row

YEAR = timedelta(days=365)

FIGURE_NAMES = ("revenue", "orders", "delivered", "on_time")


def compare_figures(moved: Sequence[Row], after: Sequence[Row], before: Sequence[Row]) -> list[dict[str, Any]]:
    """Figures of both times side by side; a client of which nothing is known has zeroes."""
    now, then = ({one["client_id"]: one for one in figures} for figures in (after, before))
    return [
        {
            "client_id": one["client_id"],
            "successor_id": one["to_id"],
            **{name: now.get(one["client_id"], {}).get(name, 0) for name in FIGURE_NAMES},
            **{f"{name}_before": then.get(one["client_id"], {}).get(name, 0) for name in FIGURE_NAMES},
        }
        for one in moved
    ]
