"""What a message of the HRIS means for an employment, and what is refused of sources."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from services.staff.departures.rules import EmploymentUpdate, LifeChangeKind
from services.staff.hris import messages
from shared.errors import Unprocessable

LIFE_CHANGE_KINDS: Mapping[str, LifeChangeKind] = {
    "employee.resigned": "resigned",
    "resignation.changed": "changed",
    "resignation.withdrawn": "withdrawn",
    "employee.left": "left",
    "departure.reversed": "reversed",
    "employee.rehired": "rehired",
}


def build_employment_update(news: messages.HrisMessage, timezone: str, today: date) -> EmploymentUpdate:
    """What the message says of the employment's life. A departure that lies ahead is a resignation until then."""
    said, day = news.said, news.at.astimezone(ZoneInfo(timezone)).date()
    match LIFE_CHANGE_KINDS[news.type]:
        case "resigned":
            notice_on = said.notice_on or min(day, said.last_day)
            return EmploymentUpdate("resigned", news.at, notice_on, said.last_day, said.ends_on)
        case "changed":
            return EmploymentUpdate("changed", news.at, said.notice_on, said.last_day, said.ends_on)
        case "left" if said.on > today:
            return EmploymentUpdate("resigned", news.at, min(day, said.on), said.on)
        case "left":
            return EmploymentUpdate("left", news.at, day=said.on)
        case "rehired":
            return EmploymentUpdate("rehired", news.at, day=said.hired_on)
        case kind:
            return EmploymentUpdate(kind, news.at)


class UnsupportedKind(Unprocessable, code="unsupported_kind"):
    """Sources of this kind are not served here. Supported: `generic` (Standard Webhooks)."""


class NothingToPoll(Unprocessable, code="nothing_to_poll"):
    """A source of the kind `generic` sends webhooks and is never polled: leave `api` out."""
