"""The sales curve of a seller: is it still growing, is the portfolio full, do clients begin to fall off?

The method: revenue by month over the last full months since the first sale; a straight line by least squares. Its change
over the whole time, as a part of the mean month, with the uncertainty of twice its standard error, decides the phase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt
from statistics import linear_regression, mean, pvariance
from typing import Literal

from shared.http.fields import Total

WINDOW_MONTHS = 24  # that are looked at
MIN_MONTHS = 6  # months below which nothing is said
PLATEAU_CHANGE = 0.15  # change over the whole time, as a part of the mean month, that still counts as level
MAX_UNCERTAINTY = 0.5  # uncertainty of that change above which level means only "cannot tell"
SalesPhase = Literal["growth", "plateau", "decline", "unclear"]


@dataclass(frozen=True, slots=True)
class SalesMonth:
    month: str
    revenue: Total
    orders: int


@dataclass(frozen=True, slots=True)
class SalesTrend:
    """`change` and `uncertainty` as parts of the mean month, over all `months`; none where there are too few."""

    phase: SalesPhase
    months: int
    mean: Decimal
    change: float | None
    uncertainty: float | None


def list_full_months(today: date) -> list[str]:
    """The full months that are looked at, oldest first, as `YYYY-MM`."""
    last = today.year * 12 + today.month - 1
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(max(12, last - WINDOW_MONTHS), last)]


def fit_sales_trend(months: Sequence[SalesMonth]) -> SalesTrend:
    """Of consecutive months, oldest first; those before the first sale do not count."""
    first = next((index for index, month in enumerate(months) if month.revenue > 0), len(months))
    revenues = [float(month.revenue) for month in months[first:]]
    n = len(revenues)
    average = mean(revenues) if revenues else 0.0
    shown = Decimal(f"{average:.2f}")
    if n < MIN_MONTHS:
        return SalesTrend("unclear", n, shown, None, None)
    slope, intercept = linear_regression(range(n), revenues)
    residual = sum((revenue - intercept - slope * x) ** 2 for x, revenue in enumerate(revenues))
    spread = n * pvariance(range(n))
    standard_error = sqrt(residual / (n - 2) / spread)
    change = slope * (n - 1) / average
    uncertainty = 2 * standard_error * (n - 1) / average
    return SalesTrend(_decide_phase(change, uncertainty), n, shown, round(change, 4), round(uncertainty, 4))


def _decide_phase(change: float, uncertainty: float) -> SalesPhase:
    if abs(change) > max(PLATEAU_CHANGE, uncertainty):
        return "growth" if change > 0 else "decline"
    return "plateau" if abs(change) <= PLATEAU_CHANGE and uncertainty <= MAX_UNCERTAINTY else "unclear"
