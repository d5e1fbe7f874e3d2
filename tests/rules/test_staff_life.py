"""What news means for an employment, whatever the order in which it arrives."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.staff.departures.rules import EmploymentUpdate, apply_employment_update, build_announcements
from services.staff.employees.rules import (
    Employee,
    determine_notice_day,
    record_facts,
    select_newest_facts,
)
from shared.people.rules import list_caretaker_candidates

TODAY = date(2026, 5, 4)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PERSON = Employee(id="7", employment_id="first", hired_on=date(2020, 1, 1), deputy_id="2", manager_id="3")


def caretakers(leaver: Employee, heads: list[str], last_resort: str | None) -> list[str]:
    return list_caretaker_candidates(leaver.id, leaver.deputy_id, leaver.manager_id, heads, last_resort)


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def resigned(
    minutes: int, last_day: date = date(2026, 6, 30), notice_on: date | None = date(2026, 5, 4)
) -> EmploymentUpdate:
    return EmploymentUpdate("resigned", at(minutes), notice_on, last_day)


def changed(minutes: int, last_day: date) -> EmploymentUpdate:
    return EmploymentUpdate("changed", at(minutes), last_day=last_day)


def left(minutes: int, day: date = TODAY) -> EmploymentUpdate:
    return EmploymentUpdate("left", at(minutes), left_or_hired_on=day)


def rehired(minutes: int, day: date = date(2026, 9, 1)) -> EmploymentUpdate:
    return EmploymentUpdate("rehired", at(minutes), left_or_hired_on=day)


def tell(person: Employee, *news: EmploymentUpdate) -> Employee:
    for nth, word in enumerate(news):
        person = apply_employment_update(person, word, f"next-{nth}").employee
    return person


def events(before: Employee, *news: EmploymentUpdate) -> list[str]:
    types = []
    for word in news:
        heard = apply_employment_update(before, word, "next")
        types += [
            event.type for event in build_announcements(before, heard.employee, ["2"], TODAY, "UTC", heard.former)
        ]
        before = heard.employee
    return types


def life(person: Employee) -> tuple[Any, ...]:
    return person.status, determine_notice_day(person, "UTC"), person.last_day, person.ends_on, person.left_on


@pytest.mark.parametrize(
    ("news", "status"),
    [
        ([resigned(1)], "resigned"),
        ([resigned(1), EmploymentUpdate("withdrawn", at(2))], "active"),
        ([resigned(1), left(2)], "left"),
        ([left(1)], "left"),
        ([left(1), EmploymentUpdate("reversed", at(2))], "active"),
        ([left(1), rehired(2)], "active"),
        ([EmploymentUpdate("withdrawn", at(2)), resigned(1)], "active"),
        ([EmploymentUpdate("withdrawn", at(2)), left(1)], "active"),
        ([left(2), resigned(1)], "left"),
        ([resigned(2), left(1)], "resigned"),
        ([resigned(1), EmploymentUpdate("reversed", at(2))], "active"),
        ([changed(1, date(2026, 7, 1))], "resigned"),
    ],
)
def test_the_newest_word_decides_the_status(news: list[EmploymentUpdate], status: str) -> None:
    assert tell(PERSON, *news).status == status


def test_of_two_dates_the_one_said_last_counts() -> None:
    newer, older = changed(2, date(2026, 7, 31)), changed(1, date(2026, 8, 31))
    assert tell(PERSON, resigned(0), newer, older).last_day == date(2026, 7, 31)


def test_an_older_word_fills_in_what_the_newer_one_left_out() -> None:
    person = tell(PERSON, changed(2, date(2026, 7, 31)), resigned(1, notice_on=date(2026, 4, 1)))
    assert (person.notice_on, person.last_day) == (date(2026, 4, 1), date(2026, 7, 31))


def test_a_departure_discarded_as_old_is_told_apart() -> None:
    withdrawn = tell(PERSON, EmploymentUpdate("withdrawn", at(5)))
    assert apply_employment_update(withdrawn, resigned(1), "x").is_outdated
    assert apply_employment_update(withdrawn, left(1), "x").is_outdated
    assert not apply_employment_update(withdrawn, resigned(6), "x").is_outdated


def test_said_at_the_same_moment_the_later_arrival_counts() -> None:
    assert tell(PERSON, resigned(1), EmploymentUpdate("withdrawn", at(1))).status == "active"


def test_news_of_an_earlier_employment_never_touches_a_later_one() -> None:
    back = tell(PERSON, left(1), rehired(10))
    for old in (resigned(5), left(5), EmploymentUpdate("withdrawn", at(5)), rehired(5, date(2026, 8, 1))):
        heard = apply_employment_update(back, old, "x")
        assert heard.is_outdated
        assert heard.employee == back


def test_a_rehire_opens_a_new_employment_and_keeps_the_former() -> None:
    gone = tell(PERSON, resigned(1), left(2))
    heard = apply_employment_update(gone, rehired(3), "second")
    assert heard.former is not None
    assert (heard.former.employment_id, heard.former.left_on) == ("first", TODAY)
    assert (heard.employee.employment_id, heard.employee.hired_on) == ("second", date(2026, 9, 1))
    assert life(heard.employee) == ("active", None, None, None, None)


def test_a_rehire_that_comes_before_the_departure_waits_for_it() -> None:
    waiting = apply_employment_update(PERSON, rehired(3), "second")
    assert waiting.former is None
    assert waiting.employee.status == "active"
    heard = apply_employment_update(waiting.employee, left(2), "second")
    assert heard.former is not None
    assert (heard.employee.employment_id, heard.employee.status) == ("second", "active")
    assert events(PERSON, rehired(3), left(2)) == ["employee.left", "employee.rehired"]


def test_the_same_rehire_told_twice_opens_one_employment() -> None:
    back = apply_employment_update(tell(PERSON, left(1)), rehired(2), "second").employee
    assert apply_employment_update(back, rehired(3), "third").employee.employment_id == "second"


def test_each_change_is_announced_as_what_it_is() -> None:
    later = date(2026, 7, 31)
    withdrawn, reversed_ = EmploymentUpdate("withdrawn", at(3)), EmploymentUpdate("reversed", at(3))
    assert events(PERSON, resigned(1)) == ["employee.resigned"]
    assert events(PERSON, resigned(1), changed(2, later)) == ["employee.resigned", "resignation.changed"]
    assert events(PERSON, resigned(1), withdrawn) == ["employee.resigned", "resignation.withdrawn"]
    assert events(PERSON, resigned(1), left(2)) == ["employee.resigned", "employee.left"]
    assert events(PERSON, left(1)) == ["employee.left"]
    assert events(PERSON, left(1), reversed_) == ["employee.left", "departure.reversed"]
    assert events(PERSON, left(1), rehired(2)) == ["employee.left", "employee.rehired"]
    assert events(PERSON, withdrawn) == []
    assert events(PERSON, resigned(1), resigned(1)) == ["employee.resigned"]


def test_who_has_left_and_works_until_later_after_all_keeps_the_same_departure() -> None:
    assert events(PERSON, left(1), resigned(2)) == ["employee.left", "resignation.changed"]


def test_a_notice_that_nobody_dated_is_of_the_day_that_it_was_where_the_company_works() -> None:
    late = EmploymentUpdate("changed", datetime(2026, 5, 4, 23, 30, tzinfo=UTC), last_day=date(2026, 6, 30))
    assert determine_notice_day(tell(PERSON, late), "Europe/Berlin") == date(2026, 5, 5)


def test_an_announcement_carries_the_whole_public_state_and_no_name() -> None:
    person = replace(PERSON, name="Nancy", email="n@example.com", functions={"sales": 4.0})
    after = apply_employment_update(person, resigned(1), "x").employee
    [event] = build_announcements(person, after, ["2", "3"], TODAY, "UTC")
    said = event.model_dump(mode="json")
    assert said["caretakers"] == ["2", "3"]
    assert said["functions"] == {"sales": 4.0}
    assert "Nancy" not in str(said)
    assert "example.com" not in str(said)


def test_caretakers_are_named_once_in_order_and_never_the_leaver() -> None:
    assert caretakers(PERSON, ["3", "7", "9"], "1") == ["2", "3", "9", "1"]
    assert caretakers(replace(PERSON, deputy_id=None, manager_id="9"), ["9"], "7") == ["9"]
    assert caretakers(replace(PERSON, deputy_id=None, manager_id=None), [], None) == []


# -- any order ---------------------------------------------------------------------------------------------------------

days = st.dates(date(2026, 5, 1), date(2026, 12, 31))
words = st.one_of(
    st.builds(lambda last, notice: ("resigned", notice, last, None), days, st.none() | days),
    st.builds(lambda last: ("changed", None, last, None), days),
    st.just(("withdrawn", None, None, None)),
    st.just(("reversed", None, None, None)),
    st.builds(lambda on: ("left", None, None, on), days),
)


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[EmploymentUpdate], list[EmploymentUpdate]]:
    said = draw(st.lists(words, min_size=1, max_size=7))
    news = [
        EmploymentUpdate(kind, at(minute), notice_on=notice, last_day=last, left_or_hired_on=on)
        for minute, (kind, notice, last, on) in enumerate(said)
    ]
    return news, draw(st.permutations(news))


@settings(deadline=None)
@given(shuffled())
def test_any_order_of_the_same_news_ends_in_the_same_life(
    orders: tuple[list[EmploymentUpdate], list[EmploymentUpdate]],
) -> None:
    told, arrived = orders
    assert life(tell(PERSON, *arrived)) == life(tell(PERSON, *told))


@settings(deadline=None)
@given(shuffled())
def test_news_told_twice_changes_nothing(orders: tuple[list[EmploymentUpdate], list[EmploymentUpdate]]) -> None:
    told, again = orders
    assert life(tell(PERSON, *told, *again)) == life(tell(PERSON, *told))


def test_a_departure_and_a_rehire_end_the_same_in_any_order() -> None:
    news = [resigned(1), changed(2, date(2026, 7, 31)), left(3), rehired(4), resigned(5, date(2027, 1, 31))]
    ends = {life(tell(PERSON, *order)) for order in permutations(news)}
    assert ends == {life(tell(PERSON, *news))}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["name", "department_id", "manager_id"]), st.integers(0, 5)), min_size=1, max_size=8
    ).flatmap(lambda said: st.tuples(st.just(list(enumerate(said))), st.permutations(list(enumerate(said)))))
)
def test_each_attribute_by_itself_ends_with_the_newest_word(orders: Any) -> None:
    def told(order: Any) -> tuple[Any, ...]:
        person = PERSON
        for minute, (name, value) in order:
            person = record_facts(person, select_newest_facts(person.said, {name: str(value)}, at(minute)), at(minute))
        return person.name, person.department_id, person.manager_id

    assert told(orders[1]) == told(orders[0])
