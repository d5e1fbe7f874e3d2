"""Which clients of a leaver are at risk, worst first, and how each should be handed over.

    score = 0.40 value + 0.25 alone + 0.20 opened + 0.15 phase       each from 0 to 1

- value: the client's value in relation to the largest of the portfolio (square root, so that a middling client counts)
- alone: the leaver's share of how well the client is known (a meeting weighs more than a mail, 12 months back); if nobody
  met it 1 if nobody else of us is in its team, else 0.5
- opened: what the leaver read and exported of it lately, an export counting as ten reads, against 20 such reads
- phase: of the leaver's sales curve; the same for the whole portfolio
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from shared.errors import Refused


def choose_introduction_form(rank: int, clients: int) -> str:
    """How the successor is introduced: the first fifth by risk in a meeting, the next two by call, the rest by letter."""
    share = (rank - 1) / clients if clients else 0.0
    return "meeting" if share < 0.2 or rank <= 3 else "call" if share < 0.6 else "letter"


IntroductionStatus = Literal["proposed", "accepted", "briefed", "introduced", "confirmed", "refused", "cancelled"]

IntroductionStep = Literal["accept", "brief", "introduce", "confirm", "refuse"]

PASS_DURATION = timedelta(hours=24)

# act: (from, to, whose turn it is)
STEPS_IN_ORDER: dict[str, tuple[str, IntroductionStatus, str]] = {
    "accept": ("proposed", "accepted", "to_id"),
    "brief": ("accepted", "briefed", "from_id"),
    "introduce": ("briefed", "introduced", "from_id"),
    "confirm": ("introduced", "confirmed", "to_id"),
}

OPEN_STATUSES = ("proposed", "accepted", "briefed", "introduced")


class WrongIntroductionStep(Refused, code="not_its_turn"):
    """This introduction is at another step: accept, brief, introduce, confirm, in this order; refuse until confirmed."""


class IntroductionClosed(Refused, code="closed"):
    """This introduction is over."""


@dataclass(frozen=True)
class StepResult:
    """Where the introduction stands after an act; `changed` is False where the same act came twice."""

    status: IntroductionStatus
    changed: bool


def take_step(status: str, wanted: IntroductionStep, form: str) -> StepResult:
    """Raises `NotItsTurn` or `Closed`. Accepting one of the form `none` confirms it: there is nobody to be introduced to."""
    if wanted == "refuse":
        if status == "refused":
            return StepResult("refused", False)
        if status not in OPEN_STATUSES:
            raise IntroductionClosed
        return StepResult("refused", True)
    before, after, _ = STEPS_IN_ORDER[wanted]
    if wanted == "accept" and form == "none":
        after = "confirmed"
    if status == after:
        return StepResult(after, False)
    if status not in OPEN_STATUSES:
        raise IntroductionClosed
    if status != before:
        raise WrongIntroductionStep
    return StepResult(after, True)


def compute_pass_window(
    now: datetime, meets_on: date | None, last_day: date, zone: tzinfo
) -> tuple[datetime, datetime] | None:
    """When the leaver may see the client for the introduction: the day of the meeting, else 24 hours from now.

    Never past the last working day; None where nothing is left of it. On the day of 25 hours on which summer time ends it
    ends an hour before that day does, for no pass of an introduction lasts longer than 24.
    """
    end = datetime.combine(last_day + timedelta(days=1), time(), zone)
    begin = max(now, datetime.combine(meets_on, time(), zone)) if meets_on else now
    until = min(begin.astimezone(UTC) + PASS_DURATION, end)
    if meets_on:
        until = min(until, datetime.combine(meets_on + timedelta(days=1), time(), zone))
    return (begin, until) if begin < until else None


DAYS_UNTIL_DUE = {
    "meeting": 5,
    "call": 8,
    "letter": 10,
}  # working days until the introduction is due, never past the last day
