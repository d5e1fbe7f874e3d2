"""The last part of the demo: a dismissal without notice, worked off entirely, up to the certificate."""

import time
from datetime import datetime, timedelta

from services.cli.demo.story import Story, format_percent

DISMISSED_ID = "6"
HR_ID = "8"


async def show_dismissal(story: Story) -> None:
    """Raises StoryStopped where something that must happen does not."""
    company, screen = story.company, story.screen
    name = company.person(DISMISSED_ID)
    screen.start_part(f"{name} is dismissed; this case goes all the way to the certificate")
    portfolio = await story.list_items("/clients/v1/clients", "service", owner_id=DISMISSED_ID)
    yesterday = datetime.now(company.zone).date() - timedelta(days=1)
    accepted = await story.send_hris_webhook("employee.left", {"employee_id": DISMISSED_ID, "on": str(yesterday)})
    seconds, _, reason = await story.wait_until_refused(DISMISSED_ID, portfolio[0]["id"], accepted)
    screen.print_event(f"employee.left, with {len(portfolio)} clients: access refused ({reason})", seconds)
    case_id = await story.wait_for_case(DISMISSED_ID)
    with screen.print_timed("Ranked, planned, and approved by the head of sales"):
        await story.wait_for_step(case_id, "plan", "waiting", "done")
        plan = await story.get_plan(case_id)
        await story.approve_plan(case_id, plan["version"])
    with screen.print_timed(f"{len(plan['items'])} clients and {len(plan['stages'])} order stages have moved"):
        await story.wait_for_step(case_id, "transfer", "done")
    begun = time.perf_counter()
    tasks, visits_done = await _complete_everything(story, case_id)
    screen.print_event(f"{tasks} tasks and {visits_done} visits are done", time.perf_counter() - begun)
    await story.wait_for_step(case_id, "clear", "done")
    certificate = await story.get(f"/offboarding/v1/cases/{case_id}/certificate", "hr", sub=HR_ID)
    figures, plan = certificate["figures"], certificate["plan"]
    successors = [
        f"{company.person(one['employee_id'])} ({one['clients']})"
        for one in certificate["successors"]
        if one["clients"]
    ]
    visits = [f"{one['number']} {one['outcome']}" for one in certificate["visits"]]
    lines = (
        ("employee", name),
        ("last day", certificate["last_day"]),
        ("clients handed over", str(figures["clients"])),
        ("to", ", ".join(successors)),
        (
            "plan approved by",
            f"{company.person(plan['approved_by'])}, at most {format_percent(plan['gap'])} below the best possible",
        ),
        ("visits", ", ".join(visits)),
        ("done", f"{len(certificate['items'])} items, {figures['waived']} of them waived"),
        ("closed", certificate["cleared_at"][:19].replace("T", " ") + " UTC"),
    )
    screen.print_certificate("Certificate of handover", lines)


async def _complete_everything(story: Story, case_id: str) -> tuple[int, int]:
    """Everybody does what waits for them: tasks with their proof, and visits, since nobody is there to introduce.

    Returns how many of each.
    """
    proof = "Signed on paper, in the personnel file."
    tasks = await story.list_items("/offboarding/v1/tasks", "hr", case_id=case_id)
    for task in tasks:
        path = f"/offboarding/v1/tasks/{task['id']}/complete"
        await story.post(path, "employee", "sales_head", sub=task["assignee_id"], proof=proof)
    outcome = {"outcome": "kept", "note": "Knows the successor now."}
    visits = await story.list_items("/offboarding/v1/visits", "hr", case_id=case_id)
    for visit in visits:
        path = f"/offboarding/v1/visits/{visit['id']}/outcome"
        await story.post(path, "employee", "sales_head", sub=visit["assignee_id"], **outcome)
    return len(tasks), len(visits)
