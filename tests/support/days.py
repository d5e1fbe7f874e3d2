"""The day on which the tests run: nothing may depend on the machine's own day, hour or zone.

Every test begins at the same moment, on a Wednesday morning, in the zone of the company; Python's clock shows it and runs
on from there. `pytest --day 2028-02-29T23:30 --zone Europe/Berlin --holidays DE` runs the same tests on another day.
Tests marked `processes` or `kafka` share their time with other processes and keep the clock of the machine.
"""

import calendar
import os
import time as machine
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
import time_machine

MORNING = time(9)
T = TypeVar("T", date, datetime)


@dataclass(frozen=True)
class Day:
    """A moment for tests to begin at, by the clock of the `zone`; `holidays` is the country that keeps the company's."""

    at: datetime  # without a zone
    zone: str = "UTC"
    holidays: str | None = None

    @property
    def moment(self) -> datetime:
        return self.at.replace(tzinfo=ZoneInfo(self.zone))

    @property
    def morning(self) -> datetime:
        """Nine o'clock of this day, as UTC."""
        return datetime.combine(self.at.date(), MORNING, ZoneInfo(self.zone)).astimezone(UTC)


WEDNESDAY = Day(datetime(2026, 6, 17, 10))  # noqa: DTZ001 - the zone stands beside it
# Those on which mistakes about days, months and zones show.
HARD: dict[str, Day] = {
    "leap": Day(datetime(2028, 2, 29, 9, 30), "Europe/Berlin"),  # noqa: DTZ001
    "january": Day(datetime(2027, 1, 31, 11), "America/New_York"),  # noqa: DTZ001
    "december": Day(datetime(2026, 12, 31, 14), "Europe/Berlin"),  # noqa: DTZ001
    "spring": Day(datetime(2027, 3, 28, 1, 30), "Europe/Berlin"),  # noqa: DTZ001 - half an hour before summer time
    "autumn": Day(datetime(2026, 10, 25, 1, 45), "Europe/Berlin"),  # noqa: DTZ001 - before the hour that comes twice
    "holiday": Day(datetime(2026, 5, 4, 8), "Europe/Berlin", "DE"),  # noqa: DTZ001 - Monday after Friday, 1 May
    "monday": Day(datetime(2027, 1, 4, 0, 10), "Pacific/Auckland"),  # noqa: DTZ001 - the first of a year; UTC has Sunday
}
_day = WEDNESDAY


def today() -> Day:
    """The day on which this run of the tests takes place."""
    return _day


def now() -> datetime:
    """By Python's clock."""
    return datetime.now(UTC)


def after(moment: T, months: int) -> T:
    """The same day so many calendar months later, or earlier; the last one of a month that is too short."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


class Clock:
    """The clock of a house: Python's, moved by the test. Days are those of the company's zone."""

    def __init__(self, zone: str | None = None) -> None:
        self.zone = ZoneInfo(zone or _day.zone)
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead

    def move(self, *, months: int = 0, **time: float) -> None:
        """Moves on by calendar months, then by what `timedelta` takes."""
        self.set(after(self(), months) + timedelta(**time))

    def set(self, moment: datetime) -> None:
        """From now on it is this moment."""
        self.ahead = moment - now()

    def day_of(self, moment: str) -> date:
        """The day in the company's zone of a moment in an answer."""
        return datetime.fromisoformat(moment).astimezone(self.zone).date()

    def day(self, ahead: int = 0) -> date:
        """Today in the company's zone, or so many days ahead of it."""
        return self().astimezone(self.zone).date() + timedelta(days=ahead)


# The parts of tests/conftest.py that are about the day.


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("day", "the day on which the tests run")
    names = ", ".join(HARD)
    group.addoption("--day", metavar="DAY", help=f"a day, as 2028-02-29 or 2028-02-29T23:30, or one of: {names}")
    group.addoption("--zone", help="the zone of the machine and of the company, as Europe/Berlin")
    group.addoption("--holidays", metavar="COUNTRY", help="the country whose holidays the company keeps, as DE")


def choose(config: pytest.Config) -> None:
    """Takes the day from the options, before any test is imported."""
    global _day
    given, zone, holidays = (config.getoption(name) for name in ("--day", "--zone", "--holidays"))
    named = HARD.get(given) if given else WEDNESDAY
    at = named.at if named else datetime.fromisoformat(given)
    if named is None and "T" not in given:
        at = datetime.combine(at, WEDNESDAY.at.time())
    base = named or WEDNESDAY
    _day = Day(at, zone or base.zone, holidays or base.holidays)
    os.environ["TZ"] = _day.zone  # of other processes too
    machine.tzset()


@contextmanager
def lived(item: pytest.Item) -> Iterator[None]:
    """A test, and what is set up for it, on the day of the run; on the machine's where other processes take part."""
    if item.get_closest_marker("processes") or item.get_closest_marker("kafka"):
        yield
    else:
        with time_machine.travel(_day.moment, tick=True):
            yield
