"""Days where the company works. Working days are Monday to Friday, but for the holidays of a country or of a part of one."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import holidays


def get_local_day(moment: datetime, timezone: str) -> date:
    """The day that it is there at this moment."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def get_start_of_day(day: date, timezone: str) -> datetime:
    """The moment at which the day begins there."""
    return datetime.combine(day, time(), ZoneInfo(timezone))


@dataclass(frozen=True)
class Calendar:
    """`place` as in `HOLDFAST_HOLIDAYS`, for example `DE-BE`; without one there are no holidays."""

    place: str | None = None

    def is_working_day(self, day: date) -> bool:
        return _load_holidays(self.place).is_working_day(day)

    def add_working_days(self, day: date, days: int) -> date:
        """The day so many working days after, or before where negative. With 0 the day itself, else the next working day."""
        return _add_working_days(self.place, day, days)


@cache
def _load_holidays(place: str | None) -> holidays.HolidayBase:
    country, _, part = (place or "").partition("-")
    loaded = holidays.country_holidays(country, subdiv=part or None) if country else holidays.HolidayBase()
    loaded.weekend, loaded.weekend_workdays = {5, 6}, set()  # Saturday and Sunday, whatever the country has
    return loaded


@lru_cache(maxsize=8192)
def _add_working_days(place: str | None, day: date, days: int) -> date:
    found: date = _load_holidays(place).get_nth_working_day(day, days)
    return found
