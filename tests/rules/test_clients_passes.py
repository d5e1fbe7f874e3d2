"""When a pass may be given."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.clients.passes.rules import find_pass_fault

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(purpose: Any = "introduction", begin: timedelta = HOUR, length: timedelta = HOUR, **facts: Any) -> str | None:
    known = {"is_frozen": True, "is_their_client": True, "last_day_ends": NOW + 10 * DAY, **facts}
    return find_pass_fault(purpose, NOW + begin, NOW + begin + length, NOW, **known)


def test_an_introduction_of_an_hour_is_given() -> None:
    assert asked() is None


def test_an_introduction_may_take_a_whole_day_and_not_a_second_more() -> None:
    assert asked(length=DAY) is None
    assert asked(length=DAY + timedelta(seconds=1)) == "too_long"


def test_work_may_take_until_the_last_working_day_ends_and_not_longer() -> None:
    assert asked("work", length=10 * DAY - HOUR) is None
    assert asked("work", length=10 * DAY) == "too_long"


def test_work_without_an_announced_last_day_gets_no_pass() -> None:
    assert asked("work", last_day_ends=None) == "no_last_day"


@pytest.mark.parametrize("length", [timedelta(0), -HOUR])
def test_a_pass_ends_after_it_begins(length: timedelta) -> None:
    assert asked(length=length) == "wrong_order"


def test_a_pass_that_would_have_ended_already_is_refused() -> None:
    assert asked(begin=-3 * HOUR) == "in_the_past"
    assert asked(begin=-HOUR, length=HOUR) == "in_the_past"
    assert asked(begin=-HOUR, length=2 * HOUR) is None


def test_somebody_who_is_not_frozen_needs_no_pass() -> None:
    assert asked(is_frozen=False) == "not_frozen"


def test_a_client_of_others_is_no_reason_for_a_pass() -> None:
    assert asked(is_their_client=False) == "not_their_client"
