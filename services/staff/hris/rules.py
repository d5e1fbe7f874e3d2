"""Sources and their messages as plain data, what a message means for an employment, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.staff.departures.rules import EmploymentUpdate
from services.staff.hris import messages
from shared.calendar import get_local_day
from shared.errors import HoldfastError, Unprocessable

MessageOutcome = Literal["applied", "pending", "held", "old", "ignored", "refused"]


class UnsupportedKind(Unprocessable, code="unsupported_kind"):
    """Sources of this kind are not served here. Supported: `generic` (Standard Webhooks)."""


class SourceIsNeverPolled(Unprocessable, code="nothing_to_poll"):
    """A source of the kind `generic` sends webhooks and is never polled: leave `api` out."""


class NotSigned(HoldfastError, code="not_signed"):
    """The source is unknown, the signature is wrong, or the timestamp is more than five minutes off."""

    status = 401


@dataclass(frozen=True)
class HrisSource:
    """`secret` is shown once: when the source or the secret is made. `previous_until`: how long the one before signs."""

    id: str
    kind: str
    created_at: datetime
    previous_until: datetime | None = None
    secret: str | None = None


@dataclass(frozen=True)
class SourceSecrets:
    """The secrets that sign for a source now, as its kind has them. Of an unknown source none, checked as `generic`."""

    kind: str = "generic"
    secrets: Sequence[str] = ()


@dataclass(frozen=True)
class ReceivedMessage:
    """What became of a webhook. `awaits`: who or what must appear first. `seen_by` has looked at it."""

    id: str
    source_id: str
    webhook_id: str
    received_at: datetime
    said_at: datetime | None
    type: str | None
    employee_id: str | None
    outcome: MessageOutcome
    reason: str | None
    awaits: str | None
    seen_by: str | None
    seen_at: datetime | None


@dataclass(frozen=True)
class ApplicableMessage:
    """A message that can take effect now, as it was received; `kind` is that of its source."""

    id: str
    source_id: str
    kind: str
    received_at: datetime
    body: bytes


def build_employment_update(
    content: messages.LifeMessage, at: datetime, timezone: str, today: date
) -> EmploymentUpdate:
    """What a message said at `at` means for the employment. A departure that lies ahead is a resignation until then."""
    day = get_local_day(at, timezone)
    match content:
        case messages.EmployeeResignedMessage():
            notice_on = content.notice_on or min(day, content.last_day)
            return EmploymentUpdate("resigned", at, notice_on, content.last_day, content.ends_on)
        case messages.ResignationChangedMessage():
            return EmploymentUpdate("changed", at, content.notice_on, content.last_day, content.ends_on)
        case messages.ResignationWithdrawnMessage():
            return EmploymentUpdate("withdrawn", at)
        case messages.EmployeeLeftMessage() if content.on > today:
            return EmploymentUpdate("resigned", at, min(day, content.on), content.on)
        case messages.EmployeeLeftMessage():
            return EmploymentUpdate("left", at, left_or_hired_on=content.on)
        case messages.DepartureReversedMessage():
            return EmploymentUpdate("reversed", at)
        case messages.EmployeeRehiredMessage():
            return EmploymentUpdate("rehired", at, left_or_hired_on=content.hired_on)
