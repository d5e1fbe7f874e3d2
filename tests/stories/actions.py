"""What people and the HRIS do in the stories, through the doors that they have."""

from collections.abc import Collection, Sequence
from typing import Any

from tests.stories.company import SECRET
from tests.support.house import House

HR = ("hr", "hanna-of-hr")

HEAD = (("sales_head", "employee"), "hana")

DIRECTOR = (("director", "employee"), "dora")

PROOF = {"proof": "Kept in the folder of the handover."}

BRIEF = {"situation": "Renews in spring.", "promises": "Spare parts within two days."}


def as_employee(id: str) -> tuple[str, str]:
    return ("employee", id)


async def send_hris_message(house: House, type: str, who: str, *, at: Any = None, **data: Any) -> None:
    """The HRIS says something, and everything that follows from it happens."""
    answer = await house.webhook("hris", SECRET, type, {"employee_id": who, **data}, timestamp=at)
    assert answer.status_code == 202, answer.text


async def resign(house: House, who: str, last_day: int = 14) -> None:
    """Notice today; the last day so many days ahead."""
    await send_hris_message(
        house, "employee.resigned", who, notice_on=str(house.clock.day()), last_day=str(house.clock.day(last_day))
    )


async def list_cases(house: House, who: str) -> Sequence[Any]:
    listed = await house.ok(HR, "GET", f"/offboarding/v1/cases?employee_id={who}")
    return sorted(listed["items"], key=lambda case: case["status"] in ("cancelled", "cleared"))


async def get_case(house: House, who: str) -> Any:
    """The case of this leaver, an open one first."""
    return await house.ok(HR, "GET", f"/offboarding/v1/cases/{(await list_cases(house, who))[0]['id']}")


async def get_steps(house: House, who: str) -> dict[str, str]:
    return {step["name"]: step["status"] for step in (await get_case(house, who))["steps"]}


async def approve_plan(house: House, who: str, by: Any = HEAD, edits: Sequence[Any] = ()) -> Any:
    """The plan as proposed, with edits; answered with the plan as it was."""
    case = (await get_case(house, who))["id"]
    plan = await house.ok(by, "GET", f"/offboarding/v1/cases/{case}/plan")
    body = {"version": plan["version"], "edits": list(edits)}
    await house.ok(by, "POST", f"/offboarding/v1/cases/{case}/plan/approval", json=body)
    return plan


async def make_new_plan(house: House, who: str, by: Any = HEAD) -> None:
    """Somebody in the plan has left since: the head of sales has it made anew."""
    case = (await get_case(house, who))["id"]
    await house.ok(by, "POST", f"/offboarding/v1/cases/{case}/retry", json={"step": "plan"})
    await house.settle()


async def complete_tasks(house: House, who: str) -> None:
    """Every open task, each by its assignee, with its proof; documents are handed over and signed for before."""
    case = (await get_case(house, who))["id"]
    for task in await list_open_tasks(house, case):
        assignee = as_employee(task["assignee_id"]) if task["assignee_id"] else HR
        if task["kind"] == "documents":
            await hand_over_document(house, case, who)
        await house.ok(assignee, "POST", f"/offboarding/v1/tasks/{task['id']}/complete", json=PROOF)


async def list_open_tasks(house: House, case: str) -> Sequence[Any]:
    tasks = await house.ok(HR, "GET", f"/offboarding/v1/tasks?case_id={case}")
    return [task for task in tasks["items"] if task["status"] == "open"]


async def hand_over_document(house: House, case: str, who: str) -> None:
    paper = {"title": "Price list", "kind": "file", "location": "The cupboard in the second floor"}
    listed = await house.ok(as_employee(who), "POST", f"/offboarding/v1/cases/{case}/documents", json=paper)
    await house.ok(
        as_employee(who), "POST", f"/offboarding/v1/documents/{listed['id']}/hand_over", json={"receiver_id": "cleo"}
    )
    await house.ok(as_employee("cleo"), "POST", f"/offboarding/v1/documents/{listed['id']}/receive")


async def list_introductions(house: House, who: str) -> Sequence[Any]:
    case = (await get_case(house, who))["id"]
    listed = await house.ok(HEAD, "GET", f"/offboarding/v1/cases/{case}/introductions")
    return sorted(listed["items"], key=lambda introduction: str(introduction["client_id"]))


async def carry_out_introductions(house: House, *proposed: Any) -> None:
    """The leaver presents the successor to each client, who confirms."""
    acts = {"accept": ("to_id", None), "brief": ("from_id", BRIEF), "introduce": ("from_id", None)}
    for act, (whose, said) in {**acts, "confirm": ("to_id", {"by": "the buyer", "how": "in the meeting"})}.items():
        for introduction in proposed:
            path = f"/offboarding/v1/introductions/{introduction['id']}/{act}"
            await house.ok(as_employee(introduction[whose]), "POST", path, json=said)
        if act == "brief":
            await house.settle()  # the leaver gets a pass for each


async def record_visit_outcomes(house: House, who: str, by: Any = HEAD) -> None:
    case = (await get_case(house, who))["id"]
    visits = await house.ok(by, "GET", f"/offboarding/v1/visits?case_id={case}")
    for visit in visits["items"]:
        if visit["status"] == "open":
            assignee = as_employee(visit["assignee_id"])
            outcome = {"outcome": "kept", "note": "They stay."}
            await house.ok(assignee, "POST", f"/offboarding/v1/visits/{visit['id']}/outcome", json=outcome)


async def get_owners(house: House, clients: Collection[str] = ()) -> dict[str, str]:
    """Who has each client in hand, by the door; of these, or of all."""
    listed = await house.ok(DIRECTOR, "GET", "/clients/v1/clients")
    return {client["id"]: client["owner_id"] for client in listed["items"] if not clients or client["id"] in clients}


async def list_owners(house: House, clients: Collection[str]) -> set[str]:
    """Everybody who has one of these clients in hand."""
    return set((await get_owners(house, clients)).values())


async def check_access(house: House, who: str, client: str, action: str = "read") -> str:
    """The reason of the decision."""
    check = {"employee_id": who, "client_id": client, "action": action}
    decided = await house.ok("service", "POST", "/clients/v1/access/check", json=check)
    return str(decided["reason"])


async def get_certificate(house: House, who: str) -> Any:
    case = (await get_case(house, who))["id"]
    return await house.ok(
        HR, "GET", f"/offboarding/v1/cases/{case}/certificate", headers={"Accept": "application/json"}
    )
