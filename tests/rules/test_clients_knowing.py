"""Who of us knows a client, and on whom it hangs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.clients.domain.knowing import (
    KNOWS_FROM,
    Acquaintance,
    Kind,
    Thread,
    score,
    thread,
    year_before,
)


def known(id: str, points: str = "3", *, stays: bool = True) -> Acquaintance:
    return Acquaintance(id, Decimal(points), stays)


def test_a_meeting_weighs_two_calls_or_ten_mails() -> None:
    assert score({"meeting": 1}) == score({"call": 2}) == score({"mail": 10}) == KNOWS_FROM
    assert score({"meeting": 2, "call": 1, "mail": 3}) == Decimal("2.8")
    assert score({}) == 0


@pytest.mark.parametrize(("kind", "enough"), [("meeting", 1), ("call", 2), ("mail", 10)])
def test_one_knows_a_client_from_the_threshold_on_and_not_before(kind: Kind, enough: int) -> None:
    assert Acquaintance("anna", score({kind: enough}), True).knows
    assert not Acquaintance("anna", score({kind: enough - 1}), True).knows


def test_twelve_months_go_back_to_the_same_day_of_the_year_before() -> None:
    assert year_before(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) == datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    assert year_before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)
    assert year_before(datetime(2029, 2, 28, tzinfo=UTC)) == datetime(2028, 2, 28, tzinfo=UTC)


def test_a_client_whom_two_know_who_stay_hangs_on_nobody() -> None:
    assert thread([known("anna"), known("ben", "1")], "anna", True) == Thread(2)


def test_a_client_whom_one_knows_hangs_on_that_one_whoever_has_it_in_hand() -> None:
    assert thread([known("ben"), known("anna", "0.9")], "anna", True) == Thread(1, "ben", "known_by_one")


def test_whoever_has_a_client_in_hand_counts_as_the_one_if_nobody_knows_it() -> None:
    assert thread([known("ben", "0.9")], "anna", True) == Thread(1, "anna", "owner_alone")
    assert thread([], "anna", False) == Thread(0, "anna", "owner_alone")


def test_whom_only_people_know_who_are_leaving_hangs_on_the_best_known_of_them() -> None:
    leavers = [known("lea", "2", stays=False), known("max", "5", stays=False)]
    assert thread(leavers, "carl", True) == Thread(0, "max", "only_leaving")


def test_one_who_stays_is_enough_beside_those_who_leave_and_one_who_leaves_is_not_beside_one_who_stays() -> None:
    assert thread([known("max", "9", stays=False), known("ben", "1")], "max", False) == Thread(1, "ben", "known_by_one")


def test_equal_ones_are_told_apart_by_id() -> None:
    leavers = [known("max", stays=False), known("lea", stays=False)]
    assert thread(leavers, "carl", True).alone_id == "lea"
