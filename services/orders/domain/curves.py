"""The sales curve of a seller: is it still growing, is the portfolio full, do clients begin to fall off?

The method: revenue by month over the last full months since the first sale; a straight line by least squares. Its change
over the whole time, as a part of the mean month, with the uncertainty of twice its standard error, decides the phase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt
from typing import Literal

MONTHS = 24  # that are looked at
ENOUGH = 6  # months below which nothing is said
PLATEAU = 0.15  # change over the whole time, as a part of the mean month, that still counts as level
SURE = 0.5  # uncertainty of that change above which level means only "cannot tell"

Phase = Literal["growth", "plateau", "decline", "unclear"]


@dataclass(frozen=True, slots=True)
class Month:
    month: str
    revenue: Decimal
    orders: int


@dataclass(frozen=True, slots=True)
class Curve:
    """`change` and `uncertainty` as parts of the mean month, over all `months`; none where there are too few."""

    phase: Phase
    months: int
    mean: Decimal
    change: float | None
    uncertainty: float | None


def window(today: date) -> list[str]:
    """The full months that are looked at, oldest first, as `YYYY-MM`."""
    last = today.year * 12 + today.month - 1
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(max(12, last - MONTHS), last)]


def curve(months: Sequence[Month]) -> Curve:
    """Of consecutive months, oldest first; those before the first sale do not count."""
    first = next((index for index, month in enumerate(months) if month.revenue > 0), len(months))
    revenues = [float(month.revenue) for month in months[first:]]
    n = len(revenues)
    mean = sum(revenues) / n if n else 0.0
    shown = Decimal(f"{mean:.2f}")
    if n < ENOUGH:
        return Curve("unclear", n, shown, None, None)
    middle = (n - 1) / 2
    spread = sum((x - middle) ** 2 for x in range(n))
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(revenues)) / spread
    rest = sum((y - mean - slope * (x - middle)) ** 2 for x, y in enumerate(revenues))
    error = sqrt(rest / (n - 2) / spread)
    change = slope * (n - 1) / mean
    uncertainty = 2 * error * (n - 1) / mean
    return Curve(_phase(change, uncertainty), n, shown, round(change, 4), round(uncertainty, 4))


def _phase(change: float, uncertainty: float) -> Phase:
    if abs(change) > max(PLATEAU, uncertainty):
        return "growth" if change > 0 else "decline"
    return "plateau" if abs(change) <= PLATEAU and uncertainty <= SURE else "unclear"
