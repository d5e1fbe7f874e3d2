"""The main part of the demo: Nancy Davolio resigns, and her clients stay."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.cli.demo.screen import StoryStopped, format_duration, wait_until
from services.cli.demo.story import HEAD_OF_SALES_ID, Story, format_percent

LEAVER_ID = "1"
LISTED_ROWS = 6  # rows of a long table


async def show_departure(story: Story) -> None:
    """Raises StoryStopped where something that must happen does not."""
    client_id = await _show_resignation(story)
    case_id = await _show_caretaker_and_visits(story, client_id)
    plan = await _show_plan(story, case_id)
    await _show_transfer(story, case_id, plan)
    await _show_handover(story, case_id)


async def _show_resignation(story: Story) -> str:
    company, screen = story.company, story.screen
    name = company.person(LEAVER_ID)
    today = datetime.now(company.zone).date()
    screen.start_part(f"{name} resigns")
    portfolio = await story.list_items("/clients/v1/clients", "service", owner_id=LEAVER_ID)
    client_id: str = portfolio[0]["id"]
    begun = time.perf_counter()
    before = await story.check_access(LEAVER_ID, client_id)
    if not before["allowed"]:
        raise StoryStopped(f"access is refused before the resignation ({before['reason']})")
    screen.print_event(
        f"{name} serves {len(portfolio)} clients. May she open {company.clients[client_id]}? "
        f"[green]Yes[/green] ({before['reason']})",
        time.perf_counter() - begun,
    )
    notice = {"employee_id": LEAVER_ID, "notice_on": str(today), "last_day": str(today + timedelta(days=28))}
    begun = time.perf_counter()
    accepted = await story.send_hris_webhook("employee.resigned", notice)
    screen.print_event("The HRIS sends its signed webhook employee.resigned: accepted", accepted - begun)
    seconds, asked, reason = await story.wait_until_refused(LEAVER_ID, client_id, accepted)
    screen.print_event(f"The same question again, {asked} times in all: [bold red]No[/bold red] ({reason})")
    screen.print_event(f"[bold]From the accepted webhook to the refused access: {format_duration(seconds)}[/bold]")
    return client_id


async def _show_caretaker_and_visits(story: Story, client_id: str) -> str:
    company, screen = story.company, story.screen
    screen.start_part("Every client is in safe hands, and those at risk are known")
    begun = time.perf_counter()
    freeze = await story.get(f"/clients/v1/access/freezes/{LEAVER_ID}", "hr")
    client = await story.get(f"/clients/v1/clients/{client_id}", "service")
    orders = await story.list_items("/orders/v1/orders", "service", assignee_id=LEAVER_ID, status="open")
    screen.print_event(
        f"Caretaker of all of them since the freeze: [bold]{company.person(freeze['caretaker_id'])}[/bold]; "
        f"{company.clients[client_id]} is now with {company.person(client['owner_id'])}",
        time.perf_counter() - begun,
    )
    screen.print_event(f"Her stages in {len(orders)} open orders are held until the plan moves them")
    begun = time.perf_counter()
    case_id = await story.wait_for_case(LEAVER_ID)
    await story.wait_for_step(case_id, "assess", "done")
    head = {"sub": HEAD_OF_SALES_ID, "assignee_id": HEAD_OF_SALES_ID}
    visits = await story.list_items("/offboarding/v1/visits", "sales_head", **head)
    found = f"{len(visits)} urgent visits for {company.person(HEAD_OF_SALES_ID)}, ranked by risk"
    screen.print_event(found, time.perf_counter() - begun)
    rows = [
        (visit["rank"], company.clients[visit["client_id"]], _format_codes(visit["why"]), visit["due_on"])
        for visit in sorted(visits, key=lambda visit: visit["rank"])[:LISTED_ROWS]
    ]
    screen.print_table("Visits", ("rank", "client", "why", "until"), rows, right=("rank",))
    return case_id


async def _show_plan(story: Story, case_id: str) -> Any:
    company, screen = story.company, story.screen
    screen.start_part("A permanent successor for each client")
    begun = time.perf_counter()
    await story.wait_for_step(case_id, "plan", "waiting", "done")
    plan = await story.get_plan(case_id)
    screen.print_event(
        f"The plan: {len(plan['items'])} clients, {len(plan['stages'])} order stages, {len(plan['team'])} team places; "
        f"{len(plan['unplaced'])} not placed",
        time.perf_counter() - begun,
    )
    gap = format_percent(plan["gap"])
    screen.print_event(f"At most [bold]{gap}[/bold] below the best possible plan (proven by HiGHS)")
    rows = [
        (company.clients[item["client_id"]], company.person(item["to_id"]), _format_codes(item["why"]))
        for item in plan["items"][:LISTED_ROWS]
    ]
    screen.print_table(f"The first {len(rows)} of {len(plan['items'])}", ("client", "successor", "why"), rows)
    return plan


async def _show_transfer(story: Story, case_id: str, plan: Any) -> None:
    company, screen = story.company, story.screen
    screen.start_part(f"{company.person(HEAD_OF_SALES_ID)}, head of sales, approves, and the clients move")
    with screen.print_timed(f"Version {plan['version']} of the plan is approved"):
        await story.approve_plan(case_id, plan["version"])
    begun = time.perf_counter()
    await story.wait_for_step(case_id, "transfer", "done")
    took = time.perf_counter() - begun
    clients = await story.list_items("/clients/v1/clients", "service")
    owners = {client["id"]: client["owner_id"] for client in clients}
    moved = Counter(owners[item["client_id"]] for item in plan["items"])
    stages = Counter(item["to_id"] for item in plan["stages"])
    screen.print_event(f"{moved.total()} clients and {stages.total()} order stages have moved, each acknowledged", took)
    rows = [
        (company.person(person), f"+{moved[person]}", f"+{stages[person]}", list(owners.values()).count(person))
        for person in sorted(moved | stages, key=lambda person: -moved[person])
    ]
    columns = ("successor", "clients", "stages", "clients now")
    screen.print_table("Who took over what", columns, rows, right=columns[1:])


async def _show_handover(story: Story, case_id: str) -> None:
    company, screen = story.company, story.screen
    screen.start_part("People do the rest: tasks, and an introduction to every client")
    tasks = await story.list_items("/offboarding/v1/tasks", "hr", case_id=case_id)
    rows = [(task["title"], company.person(task["assignee_id"]), task["due_on"], task["status"]) for task in tasks]
    screen.print_table("Tasks", ("what", "who", "until", "status"), rows)
    await _complete_write_up(story, next(task for task in tasks if task["kind"] == "successful_actions"))
    path = f"/offboarding/v1/cases/{case_id}/introductions"
    introductions = await story.list_items(path, "sales_head", sub=HEAD_OF_SALES_ID)
    introduction, other, *_ = sorted(introductions, key=lambda one: (one["form"] == "none", one["rank"]))
    await _show_introduction(story, introduction, other["client_id"])
    states = Counter(one["status"] for one in await story.list_items(path, "sales_head", sub=HEAD_OF_SALES_ID))
    screen.print_event("Introductions: " + ", ".join(f"{count} {status}" for status, count in states.items()))
    waiting = (await story.get(f"/offboarding/v1/cases/{case_id}", "hr"))["waiting_for"]
    missing = [
        (_format_item(item), company.person(item["who_id"]) if item["who_id"] else "", item["due_on"] or "")
        for item in waiting[:LISTED_ROWS]
    ]
    screen.print_table(f"The case waits for {len(waiting)} things, among them", ("what", "who", "until"), missing)


async def _complete_write_up(story: Story, task: Mapping[str, Any]) -> None:
    proof = "What worked with each client, and how I worked with them: 12 pages in the handover folder."
    assignee_id = task["assignee_id"]
    with story.screen.print_timed(f"{story.company.person(assignee_id)} has written up what worked"):
        await story.post(f"/offboarding/v1/tasks/{task['id']}/complete", "employee", sub=assignee_id, proof=proof)


async def _show_introduction(story: Story, introduction: Mapping[str, Any], other_client_id: str) -> None:
    """One introduction from end to end; the leaver's pass opens that one client for it, and nothing else."""
    client_id, successor_id = introduction["client_id"], introduction["to_id"]
    client, leaver, successor = story.company.clients[client_id], *map(story.company.person, (LEAVER_ID, successor_id))
    brief = {"situation": "A loyal client.", "promises": "Delivery on Tuesdays.", "pitfalls": "Calls before ten."}
    path = f"/offboarding/v1/introductions/{introduction['id']}"
    with story.screen.print_timed(f"{successor} accepts {client}"):
        await story.post(f"{path}/accept", "employee", sub=successor_id)
    with story.screen.print_timed(f"{leaver} briefs: situation, promises, pitfalls"):
        await story.post(f"{path}/brief", "employee", sub=LEAVER_ID, **brief)
    await _show_pass(story, client_id, other_client_id)
    with story.screen.print_timed(f"{leaver} introduces {successor} to the client"):
        await story.post(f"{path}/introduce", "employee", sub=LEAVER_ID)
    with story.screen.print_timed("The client confirms"):
        await story.post(f"{path}/confirm", "employee", sub=successor_id, by="the client", how="call")


async def _show_pass(story: Story, client_id: str, other_client_id: str) -> None:
    begun = time.perf_counter()
    await wait_until(
        lambda: story.check_access(LEAVER_ID, client_id), lambda answer: bool(answer["allowed"]), "the pass"
    )
    refused = await story.check_access(LEAVER_ID, other_client_id)
    story.screen.print_event(
        f"A pass for this one client, for 24 hours: {story.company.clients[client_id]} [green]Yes[/green] (pass), "
        f"{story.company.clients[other_client_id]} [red]No[/red] ({refused['reason']})",
        time.perf_counter() - begun,
    )


def _format_codes(codes: Sequence[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)


def _format_item(item: Mapping[str, Any]) -> str:
    what = str(item["what"]).replace("_", " ")
    return f"{what} ({item['number']})" if item["number"] > 1 else what
