"""Freezing by hand, and lifting it: nobody alone."""

import pytest

from services.clients.freezes.rules import filter_manual_grounds, is_second_person_in_another_role
from shared.people.rules import list_caretaker_candidates


def test_candidates_are_deputy_then_manager_then_heads_upward_then_the_last_resort() -> None:
    assert list_caretaker_candidates("anna", "dora", "max", ["nora", "otto"], "lea") == [
        "dora",
        "max",
        "nora",
        "otto",
        "lea",
    ]


def test_each_candidate_is_named_once_and_the_leaver_never() -> None:
    assert list_caretaker_candidates("anna", "max", "max", ["anna", "max"], "anna") == ["max"]


def test_whoever_is_not_named_is_passed_over() -> None:
    assert list_caretaker_candidates("anna", None, None, [], None) == []


def test_only_emergencies_and_incidents_are_lifted_by_hand() -> None:
    assert filter_manual_grounds(["emergency"]) == {"emergency"}
    assert filter_manual_grounds(["incident", "emergency"]) == {"incident", "emergency"}
    assert filter_manual_grounds(["emergency", "departure"]) == {"emergency"}
    assert filter_manual_grounds(["hold"]) == set()


@pytest.mark.parametrize(
    ("first", "second", "lifts"),
    [
        (("hana", {"hr"}), ("dirk", {"director"}), True),
        (("hana", {"hr"}), ("hugo", {"hr"}), False),
        (("hana", {"hr"}), ("hana", {"director"}), False),
        (("hana", {"hr"}), ("dirk", {"hr", "director"}), True),
        (("hana", {"hr", "employee"}), ("hugo", {"hr", "employee"}), False),
        (("hana", {"hr", "ops"}), ("otto", {"ops"}), True),
        (("hana", {"hr"}), ("emil", {"employee"}), False),
    ],
)
def test_lifting_takes_two_people_in_two_roles(
    first: tuple[str, set[str]], second: tuple[str, set[str]], lifts: bool
) -> None:
    assert is_second_person_in_another_role(first[0], first[1], second[0], second[1]) is lifts
