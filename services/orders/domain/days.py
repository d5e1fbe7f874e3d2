"""Working days."""

from collections.abc import Callable, Container
from datetime import date, timedelta
from functools import lru_cache

AddDays = Callable[[date, int], date]


def calendar(holidays: Container[date] = ()) -> AddDays:
    """A function `(day, n)` → the day `n` working days later. Saturdays, Sundays and `holidays` do not count."""

    @lru_cache(maxsize=8192)
    def add(day: date, days: int) -> date:
        while days > 0:
            day += timedelta(days=1)
            if day.weekday() < 5 and day not in holidays:
                days -= 1
        return day

    return add
