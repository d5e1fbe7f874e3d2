"""The company's working days."""

from functools import cache

import holidays

from services.orders.domain.days import AddDays, calendar
from shared.database import UnitOfWork


@cache
def _of_country(name: str | None) -> AddDays:
    if name is None:
        return calendar()
    country, _, part = name.partition("-")
    return calendar(holidays.country_holidays(country, subdiv=part or None))


def working_days(work: UnitOfWork) -> AddDays:
    return _of_country(work.settings.holidays)
