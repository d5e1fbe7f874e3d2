"""The truths bite: each fault, put into the databases in the middle of a story, is seen, and called by the truth it breaks."""

from collections.abc import AsyncIterator, Mapping
from copy import deepcopy

import pytest

from shared.settings import SERVICES
from tests.stories import company
from tests.stories.actions import approve_plan, check_access, complete_tasks, resign
from tests.stories.company import create_template_databases, start_clock
from tests.stories.three_ways import WatchedHouse, start_house
from tests.stories.truths import TruthChecker
from tests.support import postgres
from tests.support.postgres import create_database

COPY = "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE {which} LIMIT 1"
HISTORY = "client_id, kind, from_id, to_id, at, by_id, case_id, reason, leaf"
OUTBOX = "event_id, topic, subject, sequence, type, time, cause, traceparent, body, published_at"
FAULTS = {
    "an owner is frozen without a stand-in": (
        1,
        "clients",
        "UPDATE people SET stand_in_id = NULL WHERE employee_id = 'hana' AND NOT unowned",
    ),
    "the stand-in has left": (1, "clients", "UPDATE people SET status = 'left' WHERE employee_id = 'cleo'"),
    "clients has forgotten a freeze": (2, "clients", "UPDATE people SET frozen = false WHERE employee_id = 'anna'"),
    "orders has forgotten a freeze": (2, "orders", "UPDATE people SET frozen = false WHERE employee_id = 'anna'"),
    "the leaver works on a stage": (2, "orders", "UPDATE stages SET status = 'started' WHERE status = 'held'"),
    "a change of owner took effect twice": (
        3,
        "clients",
        COPY.format(table="history", columns=HISTORY, which="case_id IS NOT NULL"),
    ),
    "a client has gone": (3, "clients", "DELETE FROM clients WHERE client_id = 'c-1'"),
    "a command was answered twice": (
        3,
        "orders",
        COPY.format(table="outbox", columns=OUTBOX, which="type = 'command.answered'"),
    ),
    "a command was not answered": (3, "orders", "DELETE FROM outbox WHERE type = 'command.answered'"),
    "the leaf of a change has gone": (
        4,
        "clients",
        "DELETE FROM journal WHERE leaf = (SELECT leaf FROM history WHERE case_id IS NOT NULL LIMIT 1)",
    ),
    "the leaf of a decision has gone": (
        4,
        "clients",
        "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal WHERE action IS NOT NULL)",
    ),
    "a decision reads otherwise in the journal": (
        4,
        "clients",
        "UPDATE journal SET reason = 'owner' WHERE reason = 'frozen'",
    ),
    "a leaf was changed and hashed anew": (
        4,
        "clients",
        "UPDATE journal_tree SET size = size - 1",
    ),
    "an entry never came to the journal": (
        4,
        "offboarding",
        COPY.format(table="outbox", columns=OUTBOX, which="type = 'journal.entry'"),
    ),
    "a ground has gone while the case is open": (5, "clients", "DELETE FROM grounds WHERE employee_id = 'anna'"),
    "a ground has ended while the case is open": (
        5,
        "orders",
        "UPDATE grounds SET ended_at = since WHERE employee_id = 'anna'",
    ),
    "a line of the timeline has gone": (6, "offboarding", "DELETE FROM timeline WHERE what = 'started'"),
    "a proof has gone": (6, "offboarding", "UPDATE tasks SET proof = 'another' WHERE proof IS NOT NULL"),
    "a notice was never given": (6, "staff", "DELETE FROM life_changes WHERE employee_id = 'anna'"),
}


@pytest.fixture(scope="module")
async def middle() -> AsyncIterator[tuple[Mapping[str, str], TruthChecker]]:
    """The databases of a story in its middle, to copy, and what the truths remember of it."""
    templates = await create_template_databases()
    urls = {name: await create_database(name, templates[name]) for name in SERVICES}
    house = WatchedHouse(SERVICES, urls, company.SETTINGS, twice=False)
    house.truths = TruthChecker()
    await house.open()
    try:
        start_clock(house)
        await resign(house, "anna")
        await house.settle()
        assert await check_access(house, "anna", "c-1") == "frozen"
        await approve_plan(house, "anna")
        await complete_tasks(house, "anna")
        await resign(house, "hana")
        await house.settle()
    finally:
        await house.close()
    yield {name: url.split("/")[3].split("?")[0] for name, url in urls.items()}, house.truths
    for url in urls.values():
        await postgres.drop_database(url)


@pytest.mark.parametrize(("truth", "service", "fault"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_seen_and_called_by_the_truth_it_breaks(
    middle: tuple[Mapping[str, str], TruthChecker], truth: int, service: str, fault: str
) -> None:
    templates, remembering = middle
    async with start_house(templates=templates) as house:
        house.truths = deepcopy(remembering)
        await house.truths.examine(house)
        assert await house.rows(service, f"{fault} RETURNING 1"), "nothing to break"
        with pytest.raises(AssertionError, match=rf"^truth {truth}: "):
            await house.truths.examine(house)
