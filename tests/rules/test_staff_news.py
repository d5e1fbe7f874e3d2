"""How the HRIS is read, its absences, the brake, and chains upward."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.staff.departures.rules import compute_departure_limit, is_new_departure, may_freeze_held_departure
from services.staff.employees.rules import (
    AbsenceStatements,
    Employee,
    apply_absence_message,
    derive_hris_absences,
    select_unfinished_absences,
)
from services.staff.hris.messages import EmployeeLeftMessage, EmployeeResignedMessage, HrisMessage, UnusableMessage
from services.staff.hris.rules import build_employment_update
from services.staff.hris.vendors.generic import parse_message_or_unusable
from services.staff.imports.rules import find_changes_closing_circle, sort_parents_first
from shared.contracts.staff import Absence

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def body(type_: Any, data: Any, timestamp: Any = "2026-05-04T11:00:00Z") -> bytes:
    return json.dumps({"type": type_, "timestamp": timestamp, "data": data}).encode()


def refused(raw: bytes) -> UnusableMessage:
    news = parse_message_or_unusable(raw, NOON)
    assert isinstance(news, UnusableMessage)
    assert news.outcome == "refused"
    return news


# -- reading -----------------------------------------------------------------------------------------------------------


def test_news_is_read_with_the_moment_when_it_was_said() -> None:
    news = parse_message_or_unusable(body("employee.resigned", {"employee_id": "7", "last_day": "2026-06-30"}), NOON)
    assert isinstance(news, HrisMessage)
    assert (news.content.type, news.content.employee_id, news.at) == (
        "employee.resigned",
        "7",
        NOON - timedelta(hours=1),
    )


@pytest.mark.parametrize(("ahead", "counts_as_receipt"), [(4, False), (5, False), (6, True), (60 * 24 * 365, True)])
def test_a_timestamp_more_than_five_minutes_ahead_counts_as_the_time_of_receipt(
    ahead: int, counts_as_receipt: bool
) -> None:
    moment = NOON + timedelta(minutes=ahead)
    news = parse_message_or_unusable(body("resignation.withdrawn", {"employee_id": "7"}, moment.isoformat()), NOON)
    assert isinstance(news, HrisMessage)
    assert news.at == (NOON if counts_as_receipt else moment)


def test_fields_that_are_not_known_are_ignored() -> None:
    data = {"employee_id": "7", "last_day": "2026-06-30", "mood": "sad", "nested": {"a": [1]}}
    assert isinstance(parse_message_or_unusable(body("employee.resigned", data), NOON), HrisMessage)


@pytest.mark.parametrize("type_", ["employee.promoted", "invoice.paid", "x" * 5000, "тип"])
def test_a_type_that_is_not_known_is_ignored(type_: str) -> None:
    news = parse_message_or_unusable(body(type_, "whatever", "whenever"), NOON)
    assert isinstance(news, UnusableMessage)
    assert news.outcome == "ignored"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"\x00",
        b"[" * 100_000,
        body(None, {}),
        body(["employee.left"], {}),
        body("employee.left", None),
        body("employee.left", []),
        body("employee.left", {}),
        body("employee.left", {"employee_id": "7"}),
        body("employee.left", {"employee_id": "7", "on": "yesterday"}),
        body("employee.left", {"employee_id": "7", "on": "0001-01-01"}),
        body("employee.left", {"employee_id": "", "on": "2026-05-04"}),
        body("employee.left", {"employee_id": "a b", "on": "2026-05-04"}),
        body("employee.left", {"employee_id": 7, "on": "2026-05-04"}),
        body("employee.left", {"employee_id": "7\0", "on": "2026-05-04"}),
        body("employee.left", {"employee_id": "x" * 65, "on": "2026-05-04"}),
        body("employee.left", {"employee_id": "\ud800", "on": "2026-05-04"}),
        body("employee.left", {"employee_id": "7", "on": "2026-05-04"}, None),
        body("employee.left", {"employee_id": "7", "on": "2026-05-04"}, "2026-05-04T11:00:00"),
        body("employee.left", {"employee_id": "7", "on": "2026-05-04"}, "soon"),
        body("employee.left", {"employee_id": "7", "on": "2026-05-04"}, 1e300),
        body("employee.resigned", {"employee_id": "7", "notice_on": "2026-07-01", "last_day": "2026-06-30"}),
        body("employee.resigned", {"employee_id": "7", "last_day": "2026-06-30", "ends_on": "2026-06-01"}),
        body("employee.resigned", {"employee_id": "7", "last_day": "2026-06-30", "reason": "a\0b"}),
        body("employee.absent", {"employee_id": "7", "from": "2026-06-30", "until": "2026-06-01"}),
        body("departure.reversed", {"employee_id": "7"}),
        body("employee.rehired", {"employee_id": "7"}),
        body("employee.hired", {"employee_id": "7", "name": "N", "email": "no address", "hired_on": "2026-01-01"}),
        body("employee.updated", {"employee_id": "7", "functions": {"sales": -1}}),
        body("employee.updated", {"employee_id": "7", "functions": {"sa les": 1}}),
        body("employee.updated", {"employee_id": "7", "hired_on": None}),
    ],
)
def test_a_known_type_with_a_bad_body_is_refused(raw: bytes) -> None:
    assert refused(raw).errors


def test_a_refusal_says_where_and_never_repeats_what_it_read() -> None:
    data = {"employee_id": "7", "on": "Nancy Davolio", "Davolio": 1}
    found = refused(body("employee.left", data))
    assert found.employee_id == "7"
    assert found.errors[0].startswith("on: ")
    assert "Davolio" not in "".join(found.errors)


@pytest.mark.parametrize("named", [{"employee_id": 7}, {"employee_id": "7"}, {"id": 7}, {"id": "7", "name": 1}])
@pytest.mark.parametrize("type_", ["employee.updated", "employee.hired", "person.seen"])
def test_whom_a_message_is_about_is_known_also_where_nothing_can_be_done_with_it(type_: str, named: Any) -> None:
    found = parse_message_or_unusable(body(type_, {**named, "email": "none"}), NOON)
    assert isinstance(found, UnusableMessage)
    assert found.employee_id == "7"


@settings(deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(), lambda x: st.dictionaries(st.text(), x)).map(json.dumps).map(str.encode)
)
def test_nothing_that_is_sent_breaks_the_reader(raw: bytes) -> None:
    assert parse_message_or_unusable(raw, NOON) is not None


def test_who_says_no_day_of_notice_gave_it_when_it_was_said() -> None:
    news = parse_message_or_unusable(
        body("employee.resigned", {"employee_id": "7", "last_day": "2026-06-30"}, "2026-05-04T23:30:00Z"), NOON
    )
    assert isinstance(news, HrisMessage)
    assert isinstance(news.content, EmployeeResignedMessage)
    assert build_employment_update(news.content, news.at, "Europe/Berlin", NOON.date()).notice_on == date(2026, 5, 4)
    late = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
    assert build_employment_update(news.content, late, "Europe/Berlin", NOON.date()).notice_on == date(2026, 5, 5)


def test_a_departure_that_lies_ahead_is_a_resignation_until_then() -> None:
    news = parse_message_or_unusable(body("employee.left", {"employee_id": "7", "on": "2026-05-31"}), NOON)
    assert isinstance(news, HrisMessage)
    assert isinstance(news.content, EmployeeLeftMessage)
    said = build_employment_update(news.content, news.at, "UTC", NOON.date())
    assert (said.kind, said.last_day) == ("resigned", date(2026, 5, 31))


# -- absences ----------------------------------------------------------------------------------------------------------


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(*words: tuple[Any, ...]) -> list[tuple[str, str | None]]:
    absences = AbsenceStatements()
    for kind, day, until, minute in words:
        absences = apply_absence_message(absences, kind, day, until, at(minute)) or absences
    return [(str(a.from_day), a.until_day and str(a.until_day)) for a in derive_hris_absences(absences)]


def test_who_is_back_is_absent_until_the_day_before() -> None:
    june, july = date(2026, 6, 1), date(2026, 7, 1)
    assert told(("absent", june, None, 1), ("back", july, None, 2)) == [("2026-06-01", "2026-06-30")]
    assert told(("absent", june, None, 1), ("back", june, None, 2)) == []
    assert told(("absent", june, None, 1), ("back", june, date(2026, 6, 9), 2)) == [("2026-06-01", "2026-06-09")]


def test_being_back_ends_no_absence_that_was_announced_later_or_begins_later() -> None:
    june, july = date(2026, 6, 1), date(2026, 7, 1)
    assert told(("back", june, None, 1), ("absent", june, july, 2)) == [("2026-06-01", "2026-07-01")]
    assert told(("absent", july, None, 1), ("back", june, None, 2)) == [("2026-07-01", None)]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["absent", "back"]),
            st.dates(date(2026, 6, 1), date(2026, 6, 9)),
            st.none() | st.dates(date(2026, 6, 9), date(2026, 6, 20)),
        ),
        max_size=7,
    ).flatmap(
        lambda said: st.tuples(*[st.just([(*word, n) for n, word in enumerate(said)])] * 2).flatmap(
            lambda pair: st.tuples(st.just(pair[0]), st.permutations(pair[1]))
        )
    )
)
def test_any_order_of_the_same_absences_ends_the_same(orders: Any) -> None:
    assert told(*orders[1]) == told(*orders[0])


def test_absences_that_are_over_are_not_told() -> None:
    over = Absence(absence_id="a", from_day=date(2026, 5, 1), until_day=date(2026, 5, 3))
    open_ = Absence(absence_id="b", from_day=date(2026, 5, 2))
    assert select_unfinished_absences([over, open_], NOON.date()) == [open_]


# -- the brake ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "staff", "allowed"),
    [
        ("5%", 1000, 50),
        ("5%", 10, 3),
        ("5%", 0, 3),
        ("5%", 79, 3),
        ("5%", 80, 4),
        ("1", 1000, 1),
        ("0", 5, 0),
        ("7", 5, 7),
    ],
)
def test_the_brake_lets_a_share_through_never_fewer_than_three_or_a_plain_number(
    setting: str, staff: int, allowed: int
) -> None:
    assert compute_departure_limit(setting, staff) == allowed


def test_never_more_than_a_tenth_of_staff_is_frozen_on_suspicion() -> None:
    assert may_freeze_held_departure(True, 9, 100)
    assert not may_freeze_held_departure(True, 10, 100)
    assert not may_freeze_held_departure(True, 0, 9)
    assert not may_freeze_held_departure(False, 0, 100)


def test_only_a_departure_that_nobody_announced_before_counts() -> None:
    active = Employee(id="7", employment_id="a", hired_on=date(2020, 1, 1))
    resigned, gone = Employee(**{**vars(active), "status": "resigned"}), Employee(**{**vars(active), "status": "left"})
    assert is_new_departure(active, resigned)
    assert is_new_departure(active, gone)
    assert not is_new_departure(resigned, gone)
    assert not is_new_departure(resigned, resigned)
    assert not is_new_departure(resigned, active)
    assert not is_new_departure(active, Employee(**{**vars(active), "employment_id": "b"}))


# -- chains ------------------------------------------------------------------------------------------------------------


def test_parents_come_before_those_below_them() -> None:
    assert sort_parents_first({"c": "b", "b": "a", "a": None, "x": "elsewhere"}) == ["a", "x", "b", "c"]


def test_what_hangs_in_a_circle_comes_last() -> None:
    assert sort_parents_first({"a": "b", "b": "a", "c": "a", "d": None}) == ["d", "a", "b", "c"]


@pytest.mark.parametrize(
    ("parents", "wanted", "refused"),
    [
        ({}, {"a": "a"}, {"a"}),
        ({"a": "b"}, {"b": "a"}, {"b"}),
        ({"a": "b", "b": "c"}, {"c": "a"}, {"c"}),
        ({}, {"a": "b", "b": "c", "c": "a"}, {"c"}),
        ({"a": "b"}, {"a": None, "b": "a"}, set()),
        ({"a": "b"}, {"c": "a"}, set()),
    ],
)
def test_nobody_is_put_above_themselves(parents: dict[str, str], wanted: dict[str, Any], refused: set[str]) -> None:
    assert find_changes_closing_circle(parents, wanted) == refused
