"""When visits are due: so many a day, on working days."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import count

import holidays

IsWorkingDay = Callable[[date], bool]

MAX_DAYS_AHEAD = 60  # working days: what does not fit before comes due on that day, all of it


@lru_cache(maxsize=8)
def working_day_calendar(place: str | None) -> IsWorkingDay:
    """Tells working days of a country or a part of it (`DE-BE`); without a place, Monday to Friday."""
    if not place:
        return lambda day: day.weekday() < 5
    country, _, part = place.partition("-")
    free = holidays.country_holidays(country, subdiv=part or None)
    return lambda day: day.weekday() < 5 and day not in free


def add_working_days(day: date, days: int, works: IsWorkingDay) -> date:
    """The `days`-th working day after `day`; with 0 the day itself, or the next one on which the company works."""
    while days > 0 or not works(day):
        day += timedelta(days=1)
        days -= works(day)
    return day


def subtract_working_days(day: date, days: int, works: IsWorkingDay) -> date:
    """The `days`-th working day before `day`; with 0 the day itself, or the last one before it."""
    while days > 0 or not works(day):
        day -= timedelta(days=1)
        days -= works(day)
    return day


def spread_over_working_days(today: date, first: int, number: int, per_day: int, works: IsWorkingDay) -> Sequence[date]:
    """Due days for `number` things of which `per_day` can be done a day, from the `first` working day after today on."""
    last = add_working_days(today, MAX_DAYS_AHEAD, works)
    days: list[date] = []
    day = add_working_days(today, first, works)
    for place in count():
        if len(days) >= number:
            return days
        if place:
            day = add_working_days(day, 1, works)
        if day >= last:
            return [*days, *[last] * (number - len(days))]
        days += [day] * min(per_day, number - len(days))
    raise AssertionError("unreachable")
