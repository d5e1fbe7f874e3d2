"""Working days, and when tasks and visits are due."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.offboarding.checklist.rules import (
    STANDARD_CHECKLIST,
    ChecklistEntry,
    add_standard_tasks,
    compute_due_day,
)
from services.offboarding.checklist.store import CHECKLIST_ADAPTER, dump_checklist
from services.offboarding.visits.rules import spread_over_working_days
from shared.calendar import Calendar

WEEK = Calendar(None)
FRIDAY, SATURDAY, MONDAY = date(2026, 1, 9), date(2026, 1, 10), date(2026, 1, 12)


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (FRIDAY, 0, FRIDAY),
        (FRIDAY, 1, MONDAY),
        (SATURDAY, 0, MONDAY),
        (SATURDAY, 1, MONDAY),
        (MONDAY, 5, date(2026, 1, 19)),
    ],
)
def test_so_many_working_days_after(day: date, days: int, expected: date) -> None:
    assert WEEK.add_working_days(day, days) == expected


@pytest.mark.parametrize(("day", "days", "expected"), [(MONDAY, 0, MONDAY), (MONDAY, 1, FRIDAY), (SATURDAY, 0, FRIDAY)])
def test_so_many_working_days_before(day: date, days: int, expected: date) -> None:
    entry = ChecklistEntry("a", "A", "leaver", days, "last_day")
    assert compute_due_day(entry, day, day, date.min, WEEK) == expected


def test_holidays_of_a_part_of_a_country_are_free() -> None:
    womens_day = date(2024, 3, 8)  # a Friday, free in Berlin alone
    assert Calendar("DE").is_working_day(womens_day)
    assert not Calendar("DE-BE").is_working_day(womens_day)


def test_visits_are_spread_over_the_days_that_they_can_be_made_on() -> None:
    thursday = date(2026, 1, 8)
    assert spread_over_working_days(thursday, 1, 5, 2, WEEK) == [FRIDAY, FRIDAY, MONDAY, MONDAY, date(2026, 1, 13)]


def test_what_does_not_fit_into_sixty_days_is_due_on_the_last_of_them() -> None:
    days = spread_over_working_days(MONDAY, 1, 1000, 1, WEEK)
    assert len(days) == 1000
    assert days[-1] == days[100] == WEEK.add_working_days(MONDAY, 60)


@settings(deadline=None)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 9), st.integers(0, 80), st.integers(1, 9))
def test_no_visit_is_due_on_a_free_day_nor_more_than_can_be_made(
    day: date, first: int, number: int, per_day: int
) -> None:
    days = spread_over_working_days(day, first, number, per_day, WEEK)
    assert len(days) == number
    assert list(days) == sorted(days)
    assert all(WEEK.is_working_day(one) and one > day for one in days)
    last = WEEK.add_working_days(day, 60)
    assert all(days.count(one) <= per_day for one in set(days) if one < last)


def test_a_task_counts_from_notice_or_before_the_last_day() -> None:
    notice, last_day = MONDAY, MONDAY + timedelta(days=28)
    after = ChecklistEntry("a", "A", "leaver", 3, "notice")
    before = ChecklistEntry("b", "B", "leaver", 1, "last_day")
    assert compute_due_day(after, notice, last_day, MONDAY, WEEK) == date(2026, 1, 15)
    assert compute_due_day(before, notice, last_day, MONDAY, WEEK) == date(2026, 2, 6)


def test_no_task_is_due_before_the_day_on_which_it_opens() -> None:
    entry = ChecklistEntry("a", "A", "leaver", 3, "notice")
    assert compute_due_day(entry, MONDAY, MONDAY, date(2026, 3, 2), WEEK) == date(2026, 3, 2)


def test_the_standard_tasks_are_always_there() -> None:
    kinds = [entry.kind for entry in add_standard_tasks([ChecklistEntry("own_1", "Keys", "hr", 1, "last_day")])]
    assert kinds == [*(entry.kind for entry in STANDARD_CHECKLIST), "own_1"]


def test_a_company_may_word_a_standard_task_its_own_way() -> None:
    own = ChecklistEntry("training", "Ride along for a week", "manager", 5, "notice")
    checklist = add_standard_tasks([own])
    assert own in checklist
    assert [entry.kind for entry in checklist].count("training") == 1


def test_a_checklist_survives_being_kept() -> None:
    assert CHECKLIST_ADAPTER.validate_json(dump_checklist(STANDARD_CHECKLIST)) == STANDARD_CHECKLIST
