"""How a transferred client does since the handover."""

from dataclasses import dataclass
from datetime import date

from shared.http.fields import Money


@dataclass(frozen=True)
class FollowUp:
    """From `since` to `until`, against the same days a year before (`…_before`)."""

    case_id: str
    client_id: str
    successor_id: str
    since: date
    until: date
    revenue: Money
    revenue_before: Money
    orders: int
    orders_before: int
    delivered: int
    delivered_before: int
    on_time: int
    on_time_before: int
