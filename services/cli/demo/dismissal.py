"""The last part of the demo: a dismissal without notice, worked off entirely, up to the certificate."""

import time
from datetime import datetime, timedelta

from services.cli.calling import System
from services.cli.demo.company import Company
from services.cli.demo.departure import (
    HEAD,
    case_of,
    get,
    percent,
    refused_after,
    send_webhook,
    step_reached,
)
from services.cli.demo.showing import Screen

DISMISSED = "6"
HUMAN_RESOURCES = "8"


async def follow_dismissal(system: System, company: Company, screen: Screen) -> None:
    """Raises StoryStopped where something that must happen does not."""
    name = company.person(DISMISSED)
    screen.part(f"{name} is dismissed; this case goes all the way to the certificate")
    portfolio = (await get(system, "/clients/v1/clients", "service", owner_id=DISMISSED, limit=1000))["items"]
    yesterday = datetime.now(company.zone).date() - timedelta(days=1)
    accepted = await send_webhook(system, company, "employee.left", {"employee_id": DISMISSED, "on": str(yesterday)})
    seconds, _, reason = await refused_after(system, DISMISSED, portfolio[0]["id"], accepted)
    screen.line(f"employee.left, with {len(portfolio)} clients: access refused ({reason})", seconds)
    case: str = (await case_of(system, DISMISSED))["id"]
    with screen.timed("Ranked, planned, and approved by the head of sales"):
        await step_reached(system, case, "plan", "waiting", "done")
        plan = await get(system, f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=HEAD)
        approval = {"version": plan["version"], "edits": []}
        await system.call("POST", f"/offboarding/v1/cases/{case}/plan/approval", "sales_head", sub=HEAD, json=approval)
    with screen.timed(f"{len(plan['items'])} clients and {len(plan['stages'])} order stages have moved"):
        await step_reached(system, case, "transfer", "done")
    begun = time.perf_counter()
    done = await _work_off(system, case)
    screen.line(f"{done['tasks']} tasks and {done['visits']} visits are done", time.perf_counter() - begun)
    await step_reached(system, case, "clear", "done")
    certificate = await get(system, f"/offboarding/v1/cases/{case}/certificate", "hr", sub=HUMAN_RESOURCES)
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
            f"{company.person(plan['approved_by'])}, at most {percent(plan['gap'])} below the best possible",
        ),
        ("visits", ", ".join(visits)),
        ("done", f"{len(certificate['items'])} items, {figures['waived']} of them waived"),
        ("closed", certificate["cleared_at"][:19].replace("T", " ") + " UTC"),
    )
    screen.certificate("Certificate of handover", lines)


async def _work_off(system: System, case: str) -> dict[str, int]:
    """Everybody does what waits for them: tasks with their proof, and visits, since nobody is there to introduce."""
    tasks = (await get(system, "/offboarding/v1/tasks", "hr", case_id=case, limit=1000))["items"]
    for task in tasks:
        path = f"/offboarding/v1/tasks/{task['id']}/complete"
        proof = {"proof": "Signed on paper, in the personnel file."}
        await system.call("POST", path, "employee", "sales_head", sub=task["assignee_id"], json=proof)
    visits = (await get(system, "/offboarding/v1/visits", "hr", case_id=case, limit=1000))["items"]
    for visit in visits:
        outcome = {"outcome": "kept", "note": "Knows the successor now."}
        path = f"/offboarding/v1/visits/{visit['id']}/outcome"
        await system.call("POST", path, "employee", "sales_head", sub=visit["assignee_id"], json=outcome)
    return {"tasks": len(tasks), "visits": len(visits)}
