"""How an introduction goes, and for how long the leaver may see the client."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.offboarding.introductions.rules import (
    OPEN_STATUSES,
    IntroductionClosed,
    IntroductionStep,
    StepResult,
    WrongIntroductionStep,
    compute_pass_window,
    decide_next_status,
)

WAY: tuple[tuple[IntroductionStep, str, str], ...] = (
    ("accept", "proposed", "accepted"),
    ("brief", "accepted", "briefed"),
    ("introduce", "briefed", "introduced"),
    ("confirm", "introduced", "confirmed"),
)
NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(("wanted", "before", "after"), WAY)
def test_it_goes_step_by_step(wanted: IntroductionStep, before: str, after: str) -> None:
    assert decide_next_status(before, wanted, "meeting") == StepResult(after, True)  # type: ignore[arg-type]


@pytest.mark.parametrize(("wanted", "before", "after"), WAY)
def test_the_same_step_again_changes_nothing(wanted: IntroductionStep, before: str, after: str) -> None:
    assert decide_next_status(after, wanted, "meeting") == StepResult(after, False)  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [wanted for wanted, _, _ in WAY])
@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_no_step_is_skipped_or_taken_back(wanted: IntroductionStep, status: str) -> None:
    allowed = next((before, after) for name, before, after in WAY if name == wanted)
    if status not in allowed:
        with pytest.raises(WrongIntroductionStep):
            decide_next_status(status, wanted, "meeting")


@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_it_may_be_refused_until_it_is_confirmed(status: str) -> None:
    assert decide_next_status(status, "refuse", "meeting") == StepResult("refused", True)


@pytest.mark.parametrize("status", ["confirmed", "cancelled"])
def test_what_is_over_is_not_refused(status: str) -> None:
    with pytest.raises(IntroductionClosed):
        decide_next_status(status, "refuse", "meeting")


@pytest.mark.parametrize("wanted", ["accept", "brief", "introduce", "confirm"])
@pytest.mark.parametrize("status", ["refused", "cancelled"])
def test_what_was_refused_or_cancelled_goes_no_further(wanted: IntroductionStep, status: str) -> None:
    with pytest.raises(IntroductionClosed):
        decide_next_status(status, wanted, "meeting")


def test_who_knows_the_client_already_needs_no_introduction() -> None:
    assert decide_next_status("proposed", "accept", "none") == StepResult("confirmed", True)


def test_the_pass_lasts_a_day_from_now() -> None:
    assert compute_pass_window(NOON, None, date(2026, 2, 1), UTC) == (NOON, NOON + timedelta(hours=24))


def test_or_for_the_day_of_the_meeting_where_the_company_is() -> None:
    zone = ZoneInfo("Europe/Berlin")
    window = compute_pass_window(NOON, date(2026, 1, 20), date(2026, 2, 1), zone)
    assert window == (datetime(2026, 1, 20, tzinfo=zone), datetime(2026, 1, 21, tzinfo=zone))


def test_it_never_lasts_longer_than_24_hours_nor_past_the_last_day() -> None:
    last_day = date(2026, 1, 12)
    window = compute_pass_window(NOON, None, last_day, UTC)
    assert window == (NOON, datetime(2026, 1, 13, tzinfo=UTC))
    assert compute_pass_window(NOON, date(2026, 1, 13), last_day, UTC) is None


@pytest.mark.parametrize(("meets_on", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 24)])
def test_it_never_lasts_longer_than_24_hours_on_a_day_on_which_summer_time_begins_or_ends(
    meets_on: date, hours: int
) -> None:
    window = compute_pass_window(NOON, meets_on, date(2026, 12, 1), ZoneInfo("Europe/Berlin"))
    assert window is not None
    begin, until = (moment.astimezone(UTC) for moment in window)
    assert until - begin == timedelta(hours=hours)


def test_a_meeting_that_is_over_gets_no_pass() -> None:
    assert compute_pass_window(NOON, date(2026, 1, 11), date(2026, 2, 1), UTC) is None
