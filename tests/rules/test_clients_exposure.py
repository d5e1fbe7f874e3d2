"""When it may be looked at what somebody used, and what of it is unlike their own earlier days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clients.exposure.rules import (
    MIN_BULK_ROWS,
    MIN_EARLIER_DAYS,
    TOO_FEW_EARLIER_DAYS,
    UnusualUse,
    UsageDay,
    compute_median_and_bulk_threshold,
    find_exposure_basis,
    find_unusual_use,
    find_usual_hours,
)

MONDAY = date(2026, 6, 1)  # from here on it is looked at
OFFICE = {9: 20, 11: 30, 15: 30}


def ago(days: int) -> date:
    return MONDAY - timedelta(days=days)


def habit(weeks: int = 8, rows: int = 80) -> list[UsageDay]:
    """Office days of `rows` rows or a few more, before the days that are looked at."""
    days = [ago(number) for number in range(1, 7 * weeks + 1)]
    return [UsageDay(day, {9: 20, 11: 30, 15: rows - 50 + day.day % 7}) for day in days if day.weekday() < 5]


def flags(found: UnusualUse) -> list[tuple[str, date, int]]:
    return [(one.flag, one.day, one.count) for one in found.evidence]


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "departing", "incident", "expected"),
    [
        ("active", False, False, None),
        ("resigned", False, False, "notice"),
        ("left", False, False, "notice"),
        ("active", True, False, "notice"),
        ("active", False, True, "incident"),
        ("resigned", True, True, "notice"),
        (None, True, False, "notice"),
        (None, False, False, None),
    ],
)
def test_only_a_notice_or_an_incident_allows_to_look(
    status: str | None, departing: bool, incident: bool, expected: str | None
) -> None:
    assert find_exposure_basis(status, is_departing=departing, has_incident=incident) == expected


# -- how much ----------------------------------------------------------------------------------------------------------


def test_the_threshold_is_that_of_iglewicz_and_hoaglin() -> None:
    """Median 100, MAD 10: 100 + 3.5 × 10 / 0.6745."""
    middle, limit = compute_median_and_bulk_threshold([80, 90, 100, 110, 120])
    assert middle == 100
    assert limit == pytest.approx(100 + 3.5 * 10 / 0.6745)


def test_where_most_days_are_equal_the_mean_takes_the_place_of_the_median() -> None:
    middle, limit = compute_median_and_bulk_threshold([100, 100, 100, 100, 150])
    assert middle == 100
    assert limit == pytest.approx(100 + 3.5 * 1.253314 * 10)


def test_where_all_days_are_equal_more_is_an_outlier() -> None:
    assert compute_median_and_bulk_threshold([100] * 5) == (100, 100)


def test_a_few_rows_are_no_bulk_whatever_the_habit() -> None:
    assert compute_median_and_bulk_threshold([1] * 5) == (1, MIN_BULK_ROWS)


def test_a_day_like_the_others_is_not_flagged() -> None:
    found = find_unusual_use([*habit(), UsageDay(MONDAY, OFFICE)], MONDAY)
    assert found == UnusualUse(earlier_days=40)


def test_a_day_far_above_the_same_weekday_is_flagged_with_its_evidence() -> None:
    found = find_unusual_use([*habit(), UsageDay(MONDAY, {9: 20, 11: 900})], MONDAY)
    (one,) = found.evidence
    assert (one.flag, one.day, one.count, one.earlier_days) == ("bulk_read", MONDAY, 920, 8)
    mondays = [day.rows for day in habit() if day.day.weekday() == 0]
    assert (one.median, one.threshold) == (
        compute_median_and_bulk_threshold(mondays)[0],
        pytest.approx(compute_median_and_bulk_threshold(mondays)[1], abs=0.1),
    )


def test_each_weekday_has_a_habit_of_its_own() -> None:
    """What is usual on Fridays, when the lists of the week are drawn, is not on Mondays."""
    days = [
        UsageDay(day.day, {11: 2_000 + day.day.day} if day.day.weekday() == 4 else day.rows_by_hour) for day in habit()
    ]
    assert flags(find_unusual_use([*days, UsageDay(MONDAY, {11: 2_000})], MONDAY)) == [("bulk_read", MONDAY, 2_000)]
    friday = MONDAY + timedelta(days=4)
    assert flags(find_unusual_use([*days, UsageDay(friday, {11: 2_010})], MONDAY)) == []


def test_a_weekday_that_was_hardly_ever_worked_is_compared_with_all_days() -> None:
    saturday = MONDAY + timedelta(days=5)
    found = find_unusual_use([*habit(), UsageDay(saturday, {11: 900})], MONDAY)
    bulk = next(one for one in found.evidence if one.flag == "bulk_read")
    assert (bulk.day, bulk.earlier_days) == (saturday, 40)


def test_one_huge_day_before_does_not_hide_the_next() -> None:
    """The reason for medians: a mean and its deviation would have been spoilt by the first."""
    days = habit()
    days[0] = UsageDay(days[0].day, {11: 50_000})
    assert flags(find_unusual_use([*days, UsageDay(MONDAY, {11: 5_000})], MONDAY)) == [("bulk_read", MONDAY, 5_000)]


def test_the_days_that_are_looked_at_are_no_habit() -> None:
    later = [UsageDay(MONDAY + timedelta(days=7 * week), {11: 900}) for week in range(12)]
    assert len(flags(find_unusual_use([*habit(), *later], MONDAY))) == 12


# -- when in the day ---------------------------------------------------------------------------------------------------


def test_the_hours_around_those_used_are_theirs_too() -> None:
    assert find_usual_hours(habit(), is_weekend=False) == {8, 9, 10, 11, 12, 14, 15, 16}


def test_a_night_is_flagged_with_its_hours_and_what_was_used_in_them() -> None:
    found = find_unusual_use([*habit(), UsageDay(MONDAY, {9: 10, 2: 7, 3: 8})], MONDAY)
    (one,) = found.evidence
    assert (one.flag, one.count, one.hours, one.earlier_days) == ("off_hours", 15, (2, 3), 40)


def test_who_works_at_night_is_not_flagged_at_night() -> None:
    days = [UsageDay(day.day, {23: 30, 0: 10}) for day in habit()]
    assert flags(find_unusual_use([*days, UsageDay(MONDAY, {23: 30})], MONDAY)) == []
    assert flags(find_unusual_use([*days, UsageDay(MONDAY, {12: 30})], MONDAY)) == [("off_hours", MONDAY, 30)]


def test_the_weekend_is_off_hours_for_who_works_on_weekdays_and_not_for_who_works_then() -> None:
    sunday = MONDAY + timedelta(days=6)
    assert flags(find_unusual_use([*habit(), UsageDay(sunday, {11: 5})], MONDAY)) == [("off_hours", sunday, 5)]
    weekends = [UsageDay(ago(number), {11: 30}) for number in range(1, 57)]
    assert flags(find_unusual_use([*weekends, UsageDay(sunday, {11: 5})], MONDAY)) == []


def test_one_night_in_a_year_is_no_habit() -> None:
    days = habit(weeks=30)
    days[3] = UsageDay(days[3].day, {**days[3].rows_by_hour, 3: 5})
    assert flags(find_unusual_use([*days, UsageDay(MONDAY, {3: 5})], MONDAY)) == [("off_hours", MONDAY, 5)]


# -- unknown -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "unknown"), [(MIN_EARLIER_DAYS - 1, TOO_FEW_EARLIER_DAYS), (MIN_EARLIER_DAYS, None)]
)
def test_with_less_than_20_earlier_days_nothing_is_said(earlier: int, unknown: str | None) -> None:
    days = [UsageDay(ago(number + 1), OFFICE) for number in range(earlier)]
    found = find_unusual_use([*days, UsageDay(MONDAY, {3: 9_000})], MONDAY)
    assert (found.earlier_days, found.unknown, bool(found.evidence)) == (earlier, unknown, unknown is None)


def test_days_without_any_use_are_no_data() -> None:
    days = [UsageDay(ago(number + 1), {9: 0}) for number in range(MIN_EARLIER_DAYS)]
    assert find_unusual_use([*days, UsageDay(MONDAY, OFFICE)], MONDAY).earlier_days == 0


USED = st.builds(
    UsageDay,
    st.integers(-200, 100).map(lambda number: MONDAY + timedelta(days=number)),
    st.dictionaries(st.integers(0, 23), st.integers(0, 5_000), max_size=24),
)
HISTORY = st.lists(USED, unique_by=lambda day: day.day, max_size=120)


@given(HISTORY)
def test_evidence_is_of_the_days_looked_at_alone_and_always_carries_what_it_was_compared_with(
    days: list[UsageDay],
) -> None:
    found = find_unusual_use(days, MONDAY)
    assert (found.unknown is None) == (found.earlier_days >= MIN_EARLIER_DAYS)
    for one in found.evidence:
        assert one.day >= MONDAY
        assert one.earlier_days > 0
        if one.flag == "bulk_read":
            assert one.median is not None
            assert one.threshold is not None
            assert one.count > max(MIN_BULK_ROWS, round(one.threshold, 1) - 0.1)
        else:
            day = next(day for day in days if day.day == one.day)
            assert one.count == sum(day.rows_by_hour[hour] for hour in one.hours) > 0


@given(HISTORY, st.randoms(use_true_random=False))
def test_the_order_of_days_says_nothing(days: list[UsageDay], draw: object) -> None:
    mixed = list(days)
    draw.shuffle(mixed)  # type: ignore[attr-defined]
    assert find_unusual_use(mixed, MONDAY) == find_unusual_use(days, MONDAY)
