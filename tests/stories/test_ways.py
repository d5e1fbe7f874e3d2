"""The ways to tell a story are what they say: each commit has its crash, and it is the inbox that knows what came before."""

import pytest

from tests.stories import test_departure
from tests.stories.actions import approve_plan, resign
from tests.stories.three_ways import EVERY, WatchedHouse, run_test_story, start_house

WHOLE = test_departure.test_a_salesperson_who_resigns_hands_over_every_client_before_the_last_day


async def test_over_all_offsets_each_kind_of_commit_of_a_story_had_a_crash_after_it() -> None:
    once = await run_test_story(WHOLE, "once")
    kinds = {kind for commit in once.commits for kind, _ in commit}
    crashed = {
        kind for offset in range(EVERY) for kind, _ in (await run_test_story(WHOLE, f"crash-{offset}")).crashed_after
    }
    assert kinds <= crashed, f"no crash after {sorted(kinds - crashed)}"
    assert crashed >= {
        "clients: relay of staff, delivered",  # and not yet marked: it is sent again
        "staff: relay of staff, marked as sent",
        "clients: receive employee.resigned",
        "clients: receive transfer_clients",
        "offboarding: receive command.answered",
        "offboarding: ticker jobs of offboarding, job taken",  # and nobody computes it until it is taken over
        "offboarding: ticker jobs of offboarding, job done",
        "offboarding: ticker deadlines of offboarding",
        "staff: POST /staff/v1/hris/webhooks/hris",
        "offboarding: POST /offboarding/v1/cases/plan/approval",
    }


class Forgetful(WatchedHouse):
    """Its inboxes are empty when everything comes again."""

    async def _again(self) -> bool:
        for service in self.names:
            await self.rows(service, "DELETE FROM inbox")
        return await super()._again()


async def depart(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    await approve_plan(house, "anna")
    await house.settle()


async def test_what_comes_again_takes_effect_again_where_the_inbox_has_forgotten_it() -> None:
    async with start_house(Forgetful, twice=True) as house:
        with pytest.raises(AssertionError, match="truth 3: a command was answered twice"):
            await depart(house)
