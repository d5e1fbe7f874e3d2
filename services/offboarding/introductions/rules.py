"""How a successor becomes known to one client: the states of an introduction and who may take which step.

proposed -> accepted -> briefed -> introduced -> confirmed        refused from any of them but the last
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from shared.contracts.offboarding import IntroductionChanged
from shared.errors import Refused

IntroductionStatus = Literal["proposed", "accepted", "briefed", "introduced", "confirmed", "refused", "cancelled"]
IntroductionStep = Literal["accept", "brief", "introduce", "confirm", "refuse"]
IntroductionForm = Literal["meeting", "call", "letter", "none"]

PASS_DURATION = timedelta(hours=24)
DAYS_UNTIL_DUE: Mapping[IntroductionForm, int] = {"meeting": 5, "call": 8, "letter": 10}  # working days
STEPS_IN_ORDER: Mapping[IntroductionStep, tuple[IntroductionStatus, IntroductionStatus]] = {
    "accept": ("proposed", "accepted"),
    "brief": ("accepted", "briefed"),
    "introduce": ("briefed", "introduced"),
    "confirm": ("introduced", "confirmed"),
}
OPEN_STATUSES = ("proposed", "accepted", "briefed", "introduced")


class WrongIntroductionStep(Refused, code="not_its_turn"):
    """This introduction is at another step: accept, brief, introduce, confirm, in this order; refuse until confirmed."""


class IntroductionClosed(Refused, code="closed"):
    """This introduction is over."""


@dataclass(frozen=True)
class Introduction:
    """How the leaver (`from_id`) presents the successor (`to_id`) to a client. `rank`: how much the client is at risk.

    `client_sequence`: of the newest change of the client's owner that it knows.
    """

    id: str
    case_id: str
    client_id: str
    from_id: str
    to_id: str
    form: IntroductionForm
    status: IntroductionStatus
    due_on: date
    rank: int
    changed_at: datetime
    opened_at: datetime | None = None
    brief: Mapping[str, str] | None = None
    by: str | None = None
    how: str | None = None
    reason: str | None = None
    pass_id: str | None = None
    pass_status: Literal["asked", "granted", "refused"] | None = None
    pass_command_id: str | None = None
    client_sequence: int = 0


@dataclass(frozen=True)
class StepDetails:
    """What is said with a step: the form that the successor accepts, the leaver's brief and when they meet, who confirmed for
    the client and how, who refused and why."""

    form: IntroductionForm | None = None
    brief: Mapping[str, str] | None = None
    meets_on: date | None = None
    by: str | None = None
    how: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StepResult:
    """Where the introduction stands after a step; `is_changed` is False where the same step came twice."""

    status: IntroductionStatus
    is_changed: bool


def make_introduction_changed(introduction: Introduction) -> IntroductionChanged:
    return IntroductionChanged(
        case_id=introduction.case_id,
        employee_id=introduction.from_id,
        introduction_id=introduction.id,
        client_id=introduction.client_id,
        from_id=introduction.from_id,
        to_id=introduction.to_id,
        status=introduction.status,
        due_on=introduction.due_on,
    )


def decide_next_status(status: str, step: IntroductionStep, form: str) -> StepResult:
    """Raises `WrongIntroductionStep` or `IntroductionClosed`. Accepting one of the form `none` confirms it: there is nobody to
    be introduced to."""
    if step == "refuse":
        if status == "refused":
            return StepResult("refused", False)
        if status not in OPEN_STATUSES:
            raise IntroductionClosed
        return StepResult("refused", True)
    before, after = STEPS_IN_ORDER[step]
    if step == "accept" and form == "none":
        after = "confirmed"
    if status == after:
        return StepResult(after, False)
    if status not in OPEN_STATUSES:
        raise IntroductionClosed
    if status != before:
        raise WrongIntroductionStep
    return StepResult(after, True)


def is_turn_of(introduction: Introduction, step: IntroductionStep, sub: str, by: str | None) -> bool:
    """Each step is taken by whose turn it is; either tells what was said together, or what the client decided."""
    match step:
        case "accept" | "confirm":
            return sub == introduction.to_id
        case "brief":
            return sub == introduction.from_id
        case "refuse" if by == "successor":
            return sub == introduction.to_id
        case "refuse" if by == "leaver":
            return sub == introduction.from_id
        case _:
            return True


def take_step(introduction: Introduction, step: IntroductionStep, details: StepDetails, now: datetime) -> Introduction:
    """The same again changes nothing. Raises `WrongIntroductionStep` or `IntroductionClosed`."""
    form = details.form or introduction.form
    result = decide_next_status(introduction.status, step, form)
    if not result.is_changed:
        return introduction
    return replace(
        introduction,
        status=result.status,
        form=form,
        brief=(details.brief or {}) if step == "brief" else introduction.brief,
        by=details.by,
        how=details.how,
        reason=details.reason,
        changed_at=now,
    )


def replace_successor(introduction: Introduction, to_id: str, sequence: int, now: datetime) -> Introduction:
    """Somebody gave the client to this colleague, who is to be introduced instead; nothing where that is older than what is
    known, or where it went to the leaver."""
    if introduction.client_sequence >= sequence or to_id == introduction.from_id:
        return introduction
    if to_id == introduction.to_id:
        return replace(introduction, client_sequence=sequence)
    return replace(introduction, to_id=to_id, client_sequence=sequence, status="proposed", brief=None, changed_at=now)


def choose_introduction_form(rank: int, client_count: int) -> IntroductionForm:
    """How the successor is introduced: the first fifth by risk in a meeting, the next two by call, the rest by letter."""
    share = (rank - 1) / client_count if client_count else 0.0
    return "meeting" if share < 0.2 or rank <= 3 else "call" if share < 0.6 else "letter"


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
