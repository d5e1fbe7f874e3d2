"""The last part of the demo: a dismissal without notice, worked off entirely, up to the certificate."""

import time
from datetime import datetime, timedelta

from services.cli.demo.company import NorthwindCompany
from services.cli.demo.departure import (
    HEAD_OF_SALES_ID,
    format_percent,
    get_json,
    send_hris_webhook,
    wait_for_case,
    wait_for_step,
    wait_until_refused,
)
from services.cli.demo.screen import Screen
from services.cli.system import System

DISMISSED_ID = "6"
HR_ID = "8"


async def show_dismissal(system: System, company: NorthwindCompany, screen: Screen) -> None:
    """Raises StoryStopped where something that must happen does not."""
    name = company.person(DISMISSED_ID)
    screen.start_part(f"{name} is dismissed; this case goes all the way to the certificate")
    portfolio = (await get_json(system, "/clients/v1/clients", "service", owner_id=DISMISSED_ID, limit=1000))["items"]
    yesterday = datetime.now(company.zone).date() - timedelta(days=1)
    accepted = await send_hris_webhook(
        system, company, "employee.left", {"employee_id": DISMISSED_ID, "on": str(yesterday)}
    )
    seconds, _, reason = await wait_until_refused(system, DISMISSED_ID, portfolio[0]["id"], accepted)
    screen.print_event(f"employee.left, with {len(portfolio)} clients: access refused ({reason})", seconds)
    case: str = (await wait_for_case(system, DISMISSED_ID))["id"]
    with screen.print_timed("Ranked, planned, and approved by the head of sales"):
        await wait_for_step(system, case, "plan", "waiting", "done")
        plan = await get_json(system, f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=HEAD_OF_SALES_ID)
        approval = {"version": plan["version"], "edits": []}
        await system.call(
            "POST", f"/offboarding/v1/cases/{case}/plan/approval", "sales_head", sub=HEAD_OF_SALES_ID, json=approval
        )
    with screen.print_timed(f"{len(plan['items'])} clients and {len(plan['stages'])} order stages have moved"):
        await wait_for_step(system, case, "transfer", "done")
    begun = time.perf_counter()
    done = await _complete_everything(system, case)
    screen.print_event(f"{done['tasks']} tasks and {done['visits']} visits are done", time.perf_counter() - begun)
    await wait_for_step(system, case, "clear", "done")
    certificate = await get_json(system, f"/offboarding/v1/cases/{case}/certificate", "hr", sub=HR_ID)
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


async def _complete_everything(system: System, case: str) -> dict[str, int]:
    """Everybody does what waits for them: tasks with their proof, and visits, since nobody is there to introduce."""
    tasks = (await get_json(system, "/offboarding/v1/tasks", "hr", case_id=case, limit=1000))["items"]
    for task in tasks:
        path = f"/offboarding/v1/tasks/{task['id']}/complete"
        proof = {"proof": "Signed on paper, in the personnel file."}
        await system.call("POST", path, "employee", "sales_head", sub=task["assignee_id"], json=proof)
    visits = (await get_json(system, "/offboarding/v1/visits", "hr", case_id=case, limit=1000))["items"]
    for visit in visits:
        outcome = {"outcome": "kept", "note": "Knows the successor now."}
        path = f"/offboarding/v1/visits/{visit['id']}/outcome"
        await system.call("POST", path, "employee", "sales_head", sub=visit["assignee_id"], json=outcome)
    return {"tasks": len(tasks), "visits": len(visits)}
