"""The main part of the demo: Nancy Davolio resigns, and her clients stay."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from services.cli.demo.company import HRIS_SOURCE
from services.cli.demo.screen import StoryStopped, format_duration, wait_until
from services.cli.demo.story import Story

LEAVER_ID = "1"
HEAD_OF_SALES_ID = "2"
LISTED_ROWS = 6  # rows of a long table


async def show_departure(story: Story) -> None:
    """Raises StoryStopped where something that must happen does not."""
    client = await _show_resignation(story)
    case = await _show_caretaker_and_visits(story, client)
    plan = await _show_plan(story, case)
    await _show_transfer(story, case, plan)
    await _show_handover(story, case)


async def send_hris_webhook(story: Story, kind: str, data: Mapping[str, Any]) -> float:
    """Sends a signed webhook as the HRIS does; returns the moment (`perf_counter`) at which it was accepted."""
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
    webhook_id = f"msg_{kind}_{data['employee_id']}"
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(story.company.webhook_secret).sign(webhook_id, now, body),
        "Content-Type": "application/json",
    }
    await story.system.call("POST", f"/staff/v1/hris/webhooks/{HRIS_SOURCE}", content=body.encode(), headers=headers)
    return time.perf_counter()


async def check_access(story: Story, employee_id: str, client_id: str) -> dict[str, Any]:
    """What the CRM asks before it shows a client to somebody."""
    question = {"employee_id": employee_id, "client_id": client_id, "action": "read"}
    answer: dict[str, Any] = (
        await story.system.call("POST", "/clients/v1/access/check", "service", sub="crm", json=question)
    ).json()
    return answer


async def wait_until_refused(story: Story, employee_id: str, client_id: str, accepted: float) -> tuple[float, int, str]:
    """Asks until access is refused: seconds since the webhook was accepted, how often it was asked, the reason."""
    asked = 1
    while (answer := await check_access(story, employee_id, client_id))["allowed"]:
        asked += 1
        await asyncio.sleep(0.001)  # it all runs on one loop: asking without a pause would hold up the freeze
        if time.perf_counter() - accepted > 10:
            raise StoryStopped("the freeze did not come within 10 s")
    return time.perf_counter() - accepted, asked, answer["reason"]


async def wait_for_case_id(story: Story, employee_id: str) -> str:
    """Its id."""
    path = "/offboarding/v1/cases"
    cases = await wait_until(lambda: story.list_items(path, "hr", employee_id=employee_id), bool, "the case")
    return str(cases[0]["id"])


async def wait_for_step(story: Story, case_id: str, step: str, *wanted: str) -> dict[str, Any]:
    """The case once this step has one of the wanted statuses."""

    async def case() -> dict[str, Any]:
        found = await story.get(f"/offboarding/v1/cases/{case_id}", "hr")
        if found["status"] == "needs_person":
            raise StoryStopped(f"the case needs a person at its step {found['step']}")
        return found

    def there(found: dict[str, Any]) -> bool:
        return any(part["name"] == step and part["status"] in wanted for part in found["steps"])

    return await wait_until(case, there, f"the step {step}")


async def approve_plan(story: Story, case: str, plan: Mapping[str, Any]) -> None:
    approval, path = {"version": plan["version"], "edits": []}, f"/offboarding/v1/cases/{case}/plan/approval"
    await story.system.call("POST", path, "sales_head", sub=HEAD_OF_SALES_ID, json=approval)


async def _show_resignation(story: Story) -> str:
    name = story.person(LEAVER_ID)
    today = datetime.now(story.company.zone).date()
    story.screen.start_part(f"{name} resigns")
    portfolio = await story.list_items("/clients/v1/clients", "service", owner_id=LEAVER_ID)
    client: str = portfolio[0]["id"]
    begun = time.perf_counter()
    before = await check_access(story, LEAVER_ID, client)
    if not before["allowed"]:
        raise StoryStopped(f"access is refused before the resignation ({before['reason']})")
    story.screen.print_event(
        f"{name} serves {len(portfolio)} clients. May she open {story.client_names[client]}? "
        f"[green]Yes[/green] ({before['reason']})",
        time.perf_counter() - begun,
    )
    notice = {"employee_id": LEAVER_ID, "notice_on": str(today), "last_day": str(today + timedelta(days=28))}
    begun = time.perf_counter()
    accepted = await send_hris_webhook(story, "employee.resigned", notice)
    story.screen.print_event("The HRIS sends its signed webhook employee.resigned: accepted", accepted - begun)
    seconds, asked, reason = await wait_until_refused(story, LEAVER_ID, client, accepted)
    story.screen.print_event(f"The same question again, {asked} times in all: [bold red]No[/bold red] ({reason})")
    story.screen.print_event(
        f"[bold]From the accepted webhook to the refused access: {format_duration(seconds)}[/bold]"
    )
    return client


async def _show_caretaker_and_visits(story: Story, client: str) -> str:
    story.screen.start_part("Every client is in safe hands, and those at risk are known")
    begun = time.perf_counter()
    freeze = await story.get(f"/clients/v1/access/freezes/{LEAVER_ID}", "hr")
    acting = await story.get(f"/clients/v1/clients/{client}", "service")
    held = await story.list_items("/orders/v1/orders", "service", assignee_id=LEAVER_ID, status="open")
    story.screen.print_event(
        f"Caretaker of all of them since the freeze: [bold]{story.person(freeze['caretaker_id'])}[/bold]; "
        f"{story.client_names[client]} is now with {story.person(acting['owner_id'])}",
        time.perf_counter() - begun,
    )
    story.screen.print_event(f"Her stages in {len(held)} open orders are held until the plan moves them")
    begun = time.perf_counter()
    case = await wait_for_case_id(story, LEAVER_ID)
    await wait_for_step(story, case, "assess", "done")
    head = HEAD_OF_SALES_ID
    visits = await story.list_items("/offboarding/v1/visits", "sales_head", sub=head, assignee_id=head)
    story.screen.print_event(
        f"{len(visits)} urgent visits for {story.person(HEAD_OF_SALES_ID)}, ranked by risk",
        time.perf_counter() - begun,
    )
    rows = [
        (
            visit["rank"],
            story.client_names.get(visit["client_id"], visit["client_id"]),
            _format_codes(visit["why"]),
            visit["due_on"],
        )
        for visit in sorted(visits, key=lambda visit: visit["rank"])[:LISTED_ROWS]
    ]
    story.screen.print_table("Visits", ("rank", "client", "why", "until"), rows, right=("rank",))
    return case


async def _show_plan(story: Story, case: str) -> dict[str, Any]:
    story.screen.start_part("A permanent successor for each client")
    begun = time.perf_counter()
    await wait_for_step(story, case, "plan", "waiting", "done")
    plan = await story.get(f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=HEAD_OF_SALES_ID)
    story.screen.print_event(
        f"The plan: {len(plan['items'])} clients, {len(plan['stages'])} order stages, {len(plan['team'])} team places; "
        f"{len(plan['unplaced'])} not placed",
        time.perf_counter() - begun,
    )
    story.screen.print_event(
        f"At most [bold]{format_percent(plan['gap'])}[/bold] below the best possible plan (proven by HiGHS)"
    )
    rows = [
        (story.client_names[item["client_id"]], story.person(item["to_id"]), _format_codes(item["why"]))
        for item in plan["items"][:LISTED_ROWS]
    ]
    story.screen.print_table(f"The first {len(rows)} of {len(plan['items'])}", ("client", "successor", "why"), rows)
    return plan


async def _show_transfer(story: Story, case: str, plan: dict[str, Any]) -> None:
    story.screen.start_part(f"{story.person(HEAD_OF_SALES_ID)}, head of sales, approves, and the clients move")
    with story.screen.timed_event(f"Version {plan['version']} of the plan is approved"):
        await approve_plan(story, case, plan)
    begun = time.perf_counter()
    await wait_for_step(story, case, "transfer", "done")
    took = time.perf_counter() - begun
    owners = {client["id"]: client["owner_id"] for client in await story.list_items("/clients/v1/clients", "service")}
    moved = Counter(owners[item["client_id"]] for item in plan["items"])
    stages = Counter(item["to_id"] for item in plan["stages"])
    story.screen.print_event(
        f"{moved.total()} clients and {stages.total()} order stages have moved, each acknowledged", took
    )
    rows = [
        (story.person(person), f"+{moved[person]}", f"+{stages[person]}", list(owners.values()).count(person))
        for person in sorted(moved | stages, key=lambda person: -moved[person])
    ]
    columns = ("successor", "clients", "stages", "clients now")
    story.screen.print_table("Who took over what", columns, rows, right=columns[1:])


async def _show_handover(story: Story, case: str) -> None:
    story.screen.start_part("People do the rest: tasks, and an introduction to every client")
    tasks = await story.list_items("/offboarding/v1/tasks", "hr", case_id=case)
    rows = [(task["title"], story.person(task["assignee_id"]), task["due_on"], task["status"]) for task in tasks]
    story.screen.print_table("Tasks", ("what", "who", "until", "status"), rows)
    task = next(task for task in tasks if task["kind"] == "successful_actions")
    with story.screen.timed_event(f"{story.person(task['assignee_id'])} has written up what worked"):
        what = "What worked with each client, and how I worked with them: 12 pages in the handover folder."
        await complete_task(story, task, what)
    path = f"/offboarding/v1/cases/{case}/introductions"
    introductions = await story.list_items(path, "sales_head", sub=HEAD_OF_SALES_ID)
    one, other, *_ = sorted(introductions, key=lambda one: (one["form"] == "none", one["rank"]))
    await _show_introduction(story, one, other["client_id"])
    states = Counter(one["status"] for one in await story.list_items(path, "sales_head", sub=HEAD_OF_SALES_ID))
    story.screen.print_event("Introductions: " + ", ".join(f"{count} {status}" for status, count in states.items()))
    waiting = (await story.get(f"/offboarding/v1/cases/{case}", "hr"))["waiting_for"]
    missing = [
        (_format_item(item), story.person(item["who_id"]) if item["who_id"] else "", item["due_on"] or "")
        for item in waiting[:LISTED_ROWS]
    ]
    story.screen.print_table(f"The case waits for {len(waiting)} things, among them", ("what", "who", "until"), missing)


async def complete_task(story: Story, task: Mapping[str, Any], proof: str) -> None:
    path, who = f"/offboarding/v1/tasks/{task['id']}/complete", task["assignee_id"]
    await story.system.call("POST", path, "employee", "sales_head", sub=who, json={"proof": proof})


async def _show_introduction(story: Story, one: Mapping[str, Any], other: str) -> None:
    """One introduction from end to end; the leaver's pass opens that one client for it, and nothing else."""
    client, to_id = one["client_id"], one["to_id"]
    brief = {"situation": "A loyal client.", "promises": "Delivery on Tuesdays.", "pitfalls": "Calls before ten."}
    acts = (
        ("accept", to_id, None, f"{story.person(to_id)} accepts {story.client_names[client]}"),
        ("brief", LEAVER_ID, brief, f"{story.person(LEAVER_ID)} briefs: situation, promises, pitfalls"),
        (
            "introduce",
            LEAVER_ID,
            None,
            f"{story.person(LEAVER_ID)} introduces {story.person(to_id)} to the client",
        ),
        ("confirm", to_id, {"by": "the client", "how": "call"}, "The client confirms"),
    )
    for act, sub, body, text in acts:
        path = f"/offboarding/v1/introductions/{one['id']}/{act}"
        with story.screen.timed_event(text):
            await story.system.call("POST", path, "employee", sub=sub, json=body or {})
        if act == "brief":
            await _show_pass(story, client, other)


async def _show_pass(story: Story, client: str, other: str) -> None:
    begun = time.perf_counter()
    await wait_until(lambda: check_access(story, LEAVER_ID, client), lambda answer: bool(answer["allowed"]), "the pass")
    refused = await check_access(story, LEAVER_ID, other)
    story.screen.print_event(
        f"A pass for this one client, for 24 hours: {story.client_names[client]} [green]Yes[/green] (pass), "
        f"{story.client_names[other]} [red]No[/red] ({refused['reason']})",
        time.perf_counter() - begun,
    )


def format_percent(share: Any) -> str:
    return f"{float(share) * 100:.2f} %"


def _format_codes(codes: Sequence[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)


def _format_item(item: Mapping[str, Any]) -> str:
    what = str(item["what"]).replace("_", " ")
    return f"{what} ({item['number']})" if item["number"] > 1 else what
