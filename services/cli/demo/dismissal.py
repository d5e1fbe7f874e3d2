"""The last part of the demo: a dismissal without notice, worked off entirely, up to the certificate."""

import time
from datetime import datetime, timedelta

from services.cli.demo import departure
from services.cli.demo.story import Story

DISMISSED_ID = "6"
HR_ID = "8"


async def show_dismissal(story: Story) -> None:
    """Raises StoryStopped where something that must happen does not."""
    name = story.person(DISMISSED_ID)
    story.screen.start_part(f"{name} is dismissed; this case goes all the way to the certificate")
    portfolio = await story.list_items("/clients/v1/clients", "service", owner_id=DISMISSED_ID)
    yesterday = datetime.now(story.company.zone).date() - timedelta(days=1)
    accepted = await departure.send_hris_webhook(
        story, "employee.left", {"employee_id": DISMISSED_ID, "on": str(yesterday)}
    )
    seconds, _, reason = await departure.wait_until_refused(story, DISMISSED_ID, portfolio[0]["id"], accepted)
    story.screen.print_event(f"employee.left, with {len(portfolio)} clients: access refused ({reason})", seconds)
    case = await departure.wait_for_case_id(story, DISMISSED_ID)
    with story.screen.timed_event("Ranked, planned, and approved by the head of sales"):
        await departure.wait_for_step(story, case, "plan", "waiting", "done")
        plan = await story.get(f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=departure.HEAD_OF_SALES_ID)
        await departure.approve_plan(story, case, plan)
    with story.screen.timed_event(f"{len(plan['items'])} clients and {len(plan['stages'])} order stages have moved"):
        await departure.wait_for_step(story, case, "transfer", "done")
    begun = time.perf_counter()
    done = await _complete_everything(story, case)
    story.screen.print_event(f"{done['tasks']} tasks and {done['visits']} visits are done", time.perf_counter() - begun)
    await departure.wait_for_step(story, case, "clear", "done")
    certificate = await story.get(f"/offboarding/v1/cases/{case}/certificate", "hr", sub=HR_ID)
    figures, plan = certificate["figures"], certificate["plan"]
    successors = [
        f"{story.person(one['employee_id'])} ({one['clients']})" for one in certificate["successors"] if one["clients"]
    ]
    visits = [f"{one['number']} {one['outcome']}" for one in certificate["visits"]]
    lines = (
        ("employee", name),
        ("last day", certificate["last_day"]),
        ("clients handed over", str(figures["clients"])),
        ("to", ", ".join(successors)),
        (
            "plan approved by",
            f"{story.person(plan['approved_by'])}, at most {departure.format_percent(plan['gap'])} below the best possible",
        ),
        ("visits", ", ".join(visits)),
        ("done", f"{len(certificate['items'])} items, {figures['waived']} of them waived"),
        ("closed", certificate["cleared_at"][:19].replace("T", " ") + " UTC"),
    )
    story.screen.print_certificate("Certificate of handover", lines)


async def _complete_everything(story: Story, case: str) -> dict[str, int]:
    """Everybody does what waits for them: tasks with their proof, and visits, since nobody is there to introduce."""
    tasks = await story.list_items("/offboarding/v1/tasks", "hr", case_id=case)
    for task in tasks:
        await departure.complete_task(story, task, "Signed on paper, in the personnel file.")
    visits = await story.list_items("/offboarding/v1/visits", "hr", case_id=case)
    for visit in visits:
        outcome = {"outcome": "kept", "note": "Knows the successor now."}
        path = f"/offboarding/v1/visits/{visit['id']}/outcome"
        await story.system.call("POST", path, "employee", "sales_head", sub=visit["assignee_id"], json=outcome)
    return {"tasks": len(tasks), "visits": len(visits)}
