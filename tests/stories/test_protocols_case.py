"""protocols.md: who heads a case, whose tasks and visits pass on, reminders, and the copies of the register."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.contracts.staff import EmployeeChanged
from tests.stories.actions import (
    DIRECTOR,
    HEAD,
    HR,
    PROOF,
    approve_plan,
    as_employee,
    get_case,
    get_steps,
    list_introductions,
    list_open_tasks,
    resign,
)
from tests.stories.three_ways import WatchedHouse, start_house

INTRODUCED = "SELECT client_id, to_id FROM introductions WHERE case_id = :case"


async def freeze(house: WatchedHouse, *people: str) -> None:
    for who in people:
        await house.ok(HR, "POST", "/clients/v1/access/freezes", json={"employee_id": who, "reason": "A lost laptop"})
    await house.settle()


async def meeting_of(house: WatchedHouse, who: str) -> Any:
    """The task of the head of sales in this leaver's case."""
    tasks = await list_open_tasks(house, (await get_case(house, who))["id"])
    return next(task for task in tasks if task["kind"] == "team_meeting")


async def visits(house: WatchedHouse, who: str, by: Any) -> Sequence[Any]:
    case = (await get_case(house, who))["id"]
    return list((await house.ok(by, "GET", f"/offboarding/v1/visits?case_id={case}"))["items"])


async def is_headed_by(house: WatchedHouse, who: str, head: str, role: str) -> None:
    """The team meeting and every visit of the case are this person's, who approves the plan."""
    person = ((role, "employee"), head)
    assert (await meeting_of(house, who))["assignee_id"] == head
    assert {visit["assignee_id"] for visit in await visits(house, who, person)} == {head}
    await approve_plan(house, who, by=person)
    await house.settle()
    assert (await get_steps(house, who))["transfer"] == "done"


async def test_head_of_sales_of_a_case_is_the_head_of_the_leavers_department(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    await is_headed_by(house, "anna", "hana", "sales_head")


async def test_head_of_sales_of_a_case_is_the_next_above_when_the_head_is_frozen(house: WatchedHouse) -> None:
    await freeze(house, "hana")
    await resign(house, "anna")
    await house.settle()
    await is_headed_by(house, "anna", "dora", "director")


async def test_head_of_sales_of_a_case_is_the_last_resort_when_all_heads_are_frozen() -> None:
    async with start_house(last_resort="emil") as house:
        await freeze(house, "hana", "dora")
        await resign(house, "anna")
        await house.settle()
        await is_headed_by(house, "anna", "emil", "sales_head")


async def test_tasks_visits_and_introductions_of_an_assignee_who_leaves_go_to_their_stand_in(
    house: WatchedHouse,
) -> None:
    await resign(house, "anna")
    await house.settle()
    await approve_plan(house, "anna", by=DIRECTOR, edits=[{"client_id": "c-1", "to_id": "hana"}])
    await house.settle()
    meeting, of_hana = await meeting_of(house, "anna"), {visit["id"] for visit in await visits(house, "anna", HEAD)}
    assert meeting["assignee_id"] == "hana"
    assert of_hana
    assert "hana" in {one["to_id"] for one in await list_introductions(house, "anna")}

    await resign(house, "hana")
    await house.settle()
    assert await house.scalar("offboarding", "SELECT stand_in_id FROM people WHERE employee_id = 'hana'") == "cleo"
    assert (await meeting_of(house, "anna"))["assignee_id"] == "cleo"
    assert {visit["id"]: visit["assignee_id"] for visit in await visits(house, "anna", DIRECTOR)} == dict.fromkeys(
        of_hana, "cleo"
    )
    to = {
        one["client_id"]: one["to_id"] for one in await house.rows("offboarding", INTRODUCED, case=meeting["case_id"])
    }
    assert to["c-1"] == "cleo"
    assert "hana" not in to.values()
    done = f"/offboarding/v1/tasks/{meeting['id']}/complete"
    assert (await house.call(as_employee("hana"), "POST", done, json=PROOF)).status_code == 404
    await house.ok(as_employee("cleo"), "POST", done, json=PROOF)


async def test_a_task_that_is_due_or_overdue_is_told_of_once(house: WatchedHouse) -> None:
    await resign(house, "anna")
    await house.settle()
    tasks = {task["id"]: task["due_on"] for task in await list_open_tasks(house, (await get_case(house, "anna"))["id"])}
    for _ in range(14 * 2):
        house.clock.move(hours=12)
        before = house.clock.day(1).isoformat()
        await house.settle()
        due = [one.data for one in await house.sent("offboarding", "task.due")]
        assert {task.task_id for task in due} == {id for id, day in tasks.items() if day <= before}
    for type in ("task.due", "task.overdue"):
        told_of = Counter(one.data.task_id for one in await house.sent("offboarding", type))
        assert told_of == Counter(tasks.keys()), type


async def test_word_of_an_employee_with_a_lower_sequence_changes_no_copy(house: WatchedHouse) -> None:
    copy = "SELECT * FROM people WHERE employee_id = 'anna'"
    for service in ("clients", "orders", "offboarding"):
        (known,) = await house.rows(service, copy)
        said = EmployeeChanged(
            employee_id="anna",
            employment_id=known["employment_id"],
            status="left",
            department_id="works",
            regions=["ch"],
            functions={"delivery": 1},
        )
        for sequence in (known["heard"] - 1, known["heard"]):
            await house.deliver(service, said, sequence=sequence)
            assert await house.rows(service, copy) == [known], service
        await house.deliver(service, said.model_copy(update={"status": "active"}), sequence=known["heard"] + 1)
        (newer,) = await house.rows(service, copy)
        assert (newer["department_id"], newer["regions"]) == ("works", ["ch"]), service
