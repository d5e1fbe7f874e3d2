"""Who of us knows a client, and on whom it hangs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.clients.relationships.rules import MIN_KNOWING_SCORE, InteractionKind, get_year_before
from tests.support.knowledge_oracle import (
    Acquaintance,
    ClientDependency,
    compute_acquaintance_score,
    find_client_dependency,
)


def known(id: str, points: str = "3", *, stays: bool = True) -> Acquaintance:
    return Acquaintance(id, Decimal(points), stays)


def test_a_meeting_weighs_two_calls_or_ten_mails() -> None:
    assert (
        compute_acquaintance_score({"meeting": 1})
        == compute_acquaintance_score({"call": 2})
        == compute_acquaintance_score({"mail": 10})
        == MIN_KNOWING_SCORE
    )
    assert compute_acquaintance_score({"meeting": 2, "call": 1, "mail": 3}) == Decimal("2.8")
    assert compute_acquaintance_score({}) == 0


@pytest.mark.parametrize(("kind", "enough"), [("meeting", 1), ("call", 2), ("mail", 10)])
def test_one_knows_a_client_from_the_threshold_on_and_not_before(kind: InteractionKind, enough: int) -> None:
    assert Acquaintance("anna", compute_acquaintance_score({kind: enough}), True).knows
    assert not Acquaintance("anna", compute_acquaintance_score({kind: enough - 1}), True).knows


def test_twelve_months_go_back_to_the_same_day_of_the_year_before() -> None:
    assert get_year_before(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) == datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    assert get_year_before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)
    assert get_year_before(datetime(2029, 2, 28, tzinfo=UTC)) == datetime(2028, 2, 28, tzinfo=UTC)


def test_a_client_whom_two_know_who_stay_hangs_on_nobody() -> None:
    assert find_client_dependency([known("anna"), known("ben", "1")], "anna", True) == ClientDependency(2)


def test_a_client_whom_one_knows_hangs_on_that_one_whoever_has_it_in_hand() -> None:
    assert find_client_dependency([known("ben"), known("anna", "0.9")], "anna", True) == ClientDependency(
        1, "ben", "known_by_one"
    )


def test_whoever_has_a_client_in_hand_counts_as_the_one_if_nobody_knows_it() -> None:
    assert find_client_dependency([known("ben", "0.9")], "anna", True) == ClientDependency(1, "anna", "owner_alone")
    assert find_client_dependency([], "anna", False) == ClientDependency(0, "anna", "owner_alone")


def test_whom_only_people_know_who_are_leaving_hangs_on_the_best_known_of_them() -> None:
    leavers = [known("lea", "2", stays=False), known("max", "5", stays=False)]
    assert find_client_dependency(leavers, "carl", True) == ClientDependency(0, "max", "only_leaving")


def test_one_who_stays_is_enough_beside_those_who_leave_and_one_who_leaves_is_not_beside_one_who_stays() -> None:
    assert find_client_dependency(
        [known("max", "9", stays=False), known("ben", "1")], "max", False
    ) == ClientDependency(1, "ben", "known_by_one")


def test_equal_ones_are_told_apart_by_id() -> None:
    leavers = [known("max", stays=False), known("lea", stays=False)]
    assert find_client_dependency(leavers, "carl", True).alone_id == "lea"
