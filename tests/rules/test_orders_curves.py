"""The sales curve: growth, plateau, decline, or honestly unclear."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from services.orders.figures.rules import SalesMonth, SalesTrend, fit_sales_trend, list_full_months


def fit_curve(revenues: Sequence[float]) -> SalesTrend:
    return fit_sales_trend([SalesMonth(f"m{n}", Decimal(str(revenue)), 1) for n, revenue in enumerate(revenues)])


@pytest.mark.parametrize(
    ("revenues", "phase"),
    [
        ([100 + 10 * n for n in range(12)], "growth"),
        ([300 - 20 * n for n in range(12)], "decline"),
        ([100] * 12, "plateau"),
        ([100, 101, 99, 102, 98, 100, 101, 99], "plateau"),
        ([1000, 0, 900, 10, 1100, 0, 800, 30], "unclear"),
        ([100, 105, 110, 115, 120], "unclear"),
        ([], "unclear"),
        ([0] * 12, "unclear"),
    ],
)
def test_the_phase_is_read_off_the_line(revenues: list[float], phase: str) -> None:
    assert fit_curve(revenues).phase == phase


def test_months_before_the_first_sale_do_not_count() -> None:
    assert fit_curve([0, 0, 0, 100, 100, 100, 100, 100, 100]) == fit_curve([100] * 6)
    assert fit_curve([0] * 20 + [100] * 5).phase == "unclear"


def test_the_evidence_says_how_much_it_changed_and_how_sure_that_is() -> None:
    seen = fit_curve([100, 110, 120, 130, 140, 150])
    assert (seen.months, seen.mean, seen.change, seen.uncertainty) == (6, Decimal("125.00"), 0.4, 0.0)


def test_one_wild_month_makes_no_phase() -> None:
    assert fit_curve([100] * 11 + [5000]).phase == "unclear"


def test_the_window_is_the_full_months_before_this_one() -> None:
    months = list_full_months(date(2026, 3, 2))
    assert len(months) == 24
    assert (months[0], months[-1]) == ("2024-03", "2026-02")
    assert list_full_months(date(2026, 1, 31))[-1] == "2025-12"
