"""The life of an employment, told by news that may arrive in any order: the newest word counts, field by field.

So the state is the same whatever the order of arrival: every field is a register in which the newest word stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from services.staff.domain.person import Person, Rehire

LifeKind = Literal["resigned", "changed", "withdrawn", "left", "reversed", "rehired"]
DEPARTURES: tuple[LifeKind, ...] = ("resigned", "changed", "left")


@dataclass(frozen=True)
class LifeNews:
    """What was said about an employment, and when. `day` is the last day worked (`left`) or the first one (`rehired`)."""

    kind: LifeKind
    at: datetime
    notice_on: date | None = None
    last_day: date | None = None
    ends_on: date | None = None
    day: date | None = None


@dataclass(frozen=True)
class Former:
    """An employment that is over, as it is kept."""

    employment_id: str
    hired_on: date
    notice_on: date | None
    last_day: date | None
    ends_on: date | None
    left_on: date | None


@dataclass(frozen=True)
class Heard:
    """The person after the news; `former` is the employment that a rehire ended. `old`: newer news said otherwise."""

    person: Person
    former: Former | None = None
    old: bool = False


def newer_only(said: Mapping[str, datetime], facts: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The facts about which nothing newer is known. Of two said at the same moment the later arrival counts."""
    return {name: value for name, value in facts.items() if name not in said or said[name] <= at}


def stamped(person: Person, facts: Mapping[str, Any], at: datetime) -> Person:
    """The person with these facts, each remembered as said at this moment."""
    return replace(person, **facts, said={**person.said, **dict.fromkeys(facts, at)})


def decided_at(person: Person, now: datetime) -> datetime:
    """The moment of a person's decision: now, but never before what is known, whose clock may be a little ahead."""
    return max([now, *([person.opened_at] if person.opened_at else []), *person.said.values()])


def facts_of(news: LifeNews) -> dict[str, Any]:
    """What the news says, field by field. What it does not mention stays as it was said before."""
    match news.kind:
        case "resigned" | "changed":
            dates = {"notice_on": news.notice_on, "last_day": news.last_day, "ends_on": news.ends_on}
            given = {name: day for name, day in dates.items() if day is not None}
            return {"status": "resigned", "left_on": None, **given}
        case "left":
            return {"status": "left", "left_on": news.day}
        case "withdrawn" | "reversed":
            return {"status": "active", "notice_on": None, "last_day": None, "ends_on": None, "left_on": None}
        case "rehired":
            return {"rehired": Rehire(news.day, news.at)} if news.day is not None else {}


def hear(person: Person, news: LifeNews, next_employment_id: str) -> Heard:
    """Takes the news in. `next_employment_id` is used if it opens a new employment.

    News from before the current employment never touches it. A rehire of somebody who has not left is remembered: the
    departure that it follows may be still on its way.
    """
    if person.opened_at is not None and news.at < person.opened_at:
        return Heard(person, old=True)
    facts = newer_only(person.said, facts_of(news), news.at)
    if news.kind == "rehired" and person.status == "active" and news.day == person.hired_on:
        return Heard(person, old=not facts)
    after = stamped(person, facts, news.at)
    rehire = after.rehired
    if rehire is not None and after.status != "active" and rehire.at >= after.said.get("status", rehire.at):
        return _open_next(after, rehire, next_employment_id)
    # An older word may still fill in what newer ones left out, such as the day of notice.
    told = "rehired" in facts or "status" in facts or life_of(person) != life_of(after)
    return Heard(after, old=not told)


def _open_next(person: Person, rehire: Rehire, employment_id: str) -> Heard:
    former = Former(
        employment_id=person.employment_id,
        hired_on=person.hired_on,
        notice_on=person.notice_on,
        last_day=person.last_day,
        ends_on=person.ends_on,
        left_on=person.left_on or person.last_day or rehire.hired_on - timedelta(days=1),
    )
    life = ("status", "notice_on", "last_day", "ends_on", "left_on", "hired_on", "rehired")
    after = replace(
        person,
        employment_id=employment_id,
        hired_on=rehire.hired_on,
        status="active",
        notice_on=None,
        last_day=None,
        ends_on=None,
        left_on=None,
        opened_at=rehire.at,
        rehired=None,
        said={name: at for name, at in person.said.items() if name not in life},
    )
    return Heard(after, former)


def life_of(person: Person) -> tuple[Any, ...]:
    """What is public of the employment's life; equal where nothing has happened."""
    return (
        person.employment_id,
        person.status,
        person.notice_on,
        person.last_day,
        person.ends_on,
        person.left_on,
    )
