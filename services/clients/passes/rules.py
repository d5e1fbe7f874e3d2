"""When a pass may be given: one employee, one client, one time window, one purpose."""

from datetime import datetime, timedelta
from typing import Literal

MAX_INTRODUCTION = timedelta(hours=24)
PassFault = Literal["wrong_order", "in_the_past", "too_long", "not_frozen", "no_last_day", "not_their_client"]


def find_pass_fault(
    purpose: Literal["introduction", "work"],
    from_time: datetime,
    until_time: datetime,
    now: datetime,
    *,
    is_frozen: bool,
    is_their_client: bool,
    last_day_ends: datetime | None,
) -> PassFault | None:
    """Why this pass cannot be given, if so. `last_day_ends` is the end of the last working day, where one is announced."""
    if until_time <= from_time:
        return "wrong_order"
    if until_time <= now:
        return "in_the_past"
    if purpose == "introduction" and until_time - from_time > MAX_INTRODUCTION:
        return "too_long"
    if not is_frozen:
        return "not_frozen"
    if not is_their_client:
        return "not_their_client"
    if purpose == "work" and last_day_ends is None:
        return "no_last_day"
    if purpose == "work" and last_day_ends is not None and until_time > last_day_ends:
        return "too_long"
    return None
