"""How a successor becomes known to one client: the states of an introduction and who may take which step.

proposed -> accepted -> briefed -> introduced -> confirmed        refused from any of them but the last
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from shared.errors import Refused

Status = Literal["proposed", "accepted", "briefed", "introduced", "confirmed", "refused", "cancelled"]
Act = Literal["accept", "brief", "introduce", "confirm", "refuse"]
PASS = timedelta(hours=24)

# act: (from, to, whose turn it is)
ACTS: dict[str, tuple[str, Status, str]] = {
    "accept": ("proposed", "accepted", "to_id"),
    "brief": ("accepted", "briefed", "from_id"),
    "introduce": ("briefed", "introduced", "from_id"),
    "confirm": ("introduced", "confirmed", "to_id"),
}
OPEN = ("proposed", "accepted", "briefed", "introduced")
TURN = {before: whose for before, _, whose in ACTS.values()}


class NotItsTurn(Refused, code="not_its_turn"):
    """This introduction is at another step: accept, brief, introduce, confirm, in this order; refuse until confirmed."""


class Closed(Refused, code="closed"):
    """This introduction is over."""


@dataclass(frozen=True)
class Moved:
    """Where the introduction stands after an act; `changed` is False where the same act came twice."""

    status: Status
    changed: bool


def act(status: str, wanted: Act, form: str) -> Moved:
    """Raises `NotItsTurn` or `Closed`. Accepting one of the form `none` confirms it: there is nobody to be introduced to."""
    if wanted == "refuse":
        if status == "refused":
            return Moved("refused", False)
        if status not in OPEN:
            raise Closed
        return Moved("refused", True)
    before, after, _ = ACTS[wanted]
    if wanted == "accept" and form == "none":
        after = "confirmed"
    if status == after:
        return Moved(after, False)
    if status not in OPEN:
        raise Closed
    if status != before:
        raise NotItsTurn
    return Moved(after, True)


def pass_window(now: datetime, meets_on: date | None, last_day: date, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """When the leaver may see the client for the introduction: the day of the meeting, else 24 hours from now.

    Never past the last working day; None where nothing is left of it.
    """
    end = datetime.combine(last_day + timedelta(days=1), time(), zone)
    begin = max(now, datetime.combine(meets_on, time(), zone)) if meets_on else now
    until = min(begin + PASS, end)
    if meets_on:
        until = min(until, datetime.combine(meets_on + timedelta(days=1), time(), zone))
    return (begin, until) if begin < until else None
