"""The main part of the demo: Nancy Davolio resigns, and her clients stay."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from services.cli.demo.company import HRIS_SOURCE, NorthwindCompany
from services.cli.demo.screen import Screen, StoryStopped, format_duration, wait_until
from services.cli.system import System

LEAVER_ID = "1"
HEAD_OF_SALES_ID = "2"
LISTED_ROWS = 6  # rows of a long table


async def show_departure(system: System, company: NorthwindCompany, screen: Screen) -> None:
    """Raises StoryStopped where something that must happen does not."""
    client = await _show_resignation(system, company, screen)
    case = await _show_caretaker_and_visits(system, company, screen, client)
    plan = await _show_plan(system, company, screen, case)
    await _show_transfer(system, company, screen, case, plan)
    await _show_handover(system, company, screen, case)


async def send_hris_webhook(system: System, company: NorthwindCompany, kind: str, data: Mapping[str, Any]) -> float:
    """Sends a signed webhook as the HRIS does; returns the moment (`perf_counter`) at which it was accepted."""
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
    webhook_id = f"msg_{kind}_{data['employee_id']}"
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(company.secret).sign(webhook_id, now, body),
        "Content-Type": "application/json",
    }
    await system.call("POST", f"/staff/v1/hris/webhooks/{HRIS_SOURCE}", content=body.encode(), headers=headers)
    return time.perf_counter()


async def check_access(system: System, employee_id: str, client_id: str, action: str = "read") -> dict[str, Any]:
    """What the CRM asks before it shows a client to somebody."""
    question = {"employee_id": employee_id, "client_id": client_id, "action": action}
    answer: dict[str, Any] = (
        await system.call("POST", "/clients/v1/access/check", "service", sub="crm", json=question)
    ).json()
    return answer


async def wait_until_refused(
    system: System, employee_id: str, client_id: str, accepted: float
) -> tuple[float, int, str]:
    """Asks until access is refused: seconds since the webhook was accepted, how often it was asked, the reason."""
    asked = 1
    while (answer := await check_access(system, employee_id, client_id))["allowed"]:
        asked += 1
        await asyncio.sleep(0.001)  # it all runs on one loop: asking without a pause would hold up the freeze
        if time.perf_counter() - accepted > 10:
            raise StoryStopped("the freeze did not come within 10 s")
    return time.perf_counter() - accepted, asked, answer["reason"]


async def get_json(system: System, path: str, *roles: Any, sub: str | None = None, **params: Any) -> Any:
    return (await system.call("GET", path, *roles, sub=sub, params=params or None)).json()


async def wait_for_case(system: System, employee_id: str) -> dict[str, Any]:
    async def cases() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await get_json(system, "/offboarding/v1/cases", "hr", employee_id=employee_id))[
            "items"
        ]
        return found

    return (await wait_until(cases, bool, "the case"))[0]


async def wait_for_step(system: System, case_id: str, step: str, *wanted: str) -> dict[str, Any]:
    """The case once this step has one of the wanted statuses."""

    async def case() -> dict[str, Any]:
        found: dict[str, Any] = await get_json(system, f"/offboarding/v1/cases/{case_id}", "hr")
        if found["status"] == "needs_person":
            raise StoryStopped(f"the case needs a person at its step {found['step']}")
        return found

    def there(found: dict[str, Any]) -> bool:
        return any(part["name"] == step and part["status"] in wanted for part in found["steps"])

    return await wait_until(case, there, f"the step {step}")


async def _show_resignation(system: System, company: NorthwindCompany, screen: Screen) -> str:
    name = company.person(LEAVER_ID)
    today = datetime.now(company.zone).date()
    screen.start_part(f"{name} resigns")
    portfolio = (await get_json(system, "/clients/v1/clients", "service", owner_id=LEAVER_ID, limit=1000))["items"]
    client: str = portfolio[0]["id"]
    begun = time.perf_counter()
    before = await check_access(system, LEAVER_ID, client)
    if not before["allowed"]:
        raise StoryStopped(f"access is refused before the resignation ({before['reason']})")
    screen.print_event(
        f"{name} serves {len(portfolio)} clients. May she open {company.clients[client]}? "
        f"[green]Yes[/green] ({before['reason']})",
        time.perf_counter() - begun,
    )
    notice = {"employee_id": LEAVER_ID, "notice_on": str(today), "last_day": str(today + timedelta(days=28))}
    begun = time.perf_counter()
    accepted = await send_hris_webhook(system, company, "employee.resigned", notice)
    screen.print_event("The HRIS sends its signed webhook employee.resigned: accepted", accepted - begun)
    seconds, asked, reason = await wait_until_refused(system, LEAVER_ID, client, accepted)
    screen.print_event(f"The same question again, {asked} times in all: [bold red]No[/bold red] ({reason})")
    screen.print_event(f"[bold]From the accepted webhook to the refused access: {format_duration(seconds)}[/bold]")
    return client


async def _show_caretaker_and_visits(system: System, company: NorthwindCompany, screen: Screen, client: str) -> str:
    screen.start_part("Every client is in safe hands, and those at risk are known")
    begun = time.perf_counter()
    freeze = await get_json(system, f"/clients/v1/access/freezes/{LEAVER_ID}", "hr")
    acting = await get_json(system, f"/clients/v1/clients/{client}", "service")
    held = await get_json(system, "/orders/v1/orders", "service", assignee_id=LEAVER_ID, status="open", limit=1000)
    screen.print_event(
        f"Caretaker of all of them since the freeze: [bold]{company.person(freeze['caretaker_id'])}[/bold]; "
        f"{company.clients[client]} is now with {company.person(acting['owner_id'])}",
        time.perf_counter() - begun,
    )
    screen.print_event(f"Her stages in {len(held['items'])} open orders are held until the plan moves them")
    begun = time.perf_counter()
    case: str = (await wait_for_case(system, LEAVER_ID))["id"]
    await wait_for_step(system, case, "assess", "done")
    visits = (
        await get_json(
            system,
            "/offboarding/v1/visits",
            "sales_head",
            sub=HEAD_OF_SALES_ID,
            assignee_id=HEAD_OF_SALES_ID,
            limit=1000,
        )
    )["items"]
    screen.print_event(
        f"{len(visits)} urgent visits for {company.person(HEAD_OF_SALES_ID)}, ranked by risk",
        time.perf_counter() - begun,
    )
    rows = [
        (
            visit["rank"],
            company.clients.get(visit["client_id"], visit["client_id"]),
            _format_codes(visit["why"]),
            visit["due_on"],
        )
        for visit in sorted(visits, key=lambda visit: visit["rank"])[:LISTED_ROWS]
    ]
    screen.print_table("Visits", ("rank", "client", "why", "until"), rows, right=("rank",))
    return case


async def _show_plan(system: System, company: NorthwindCompany, screen: Screen, case: str) -> dict[str, Any]:
    screen.start_part("A permanent successor for each client")
    begun = time.perf_counter()
    await wait_for_step(system, case, "plan", "waiting", "done")
    plan: dict[str, Any] = await get_json(
        system, f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=HEAD_OF_SALES_ID
    )
    screen.print_event(
        f"The plan: {len(plan['items'])} clients, {len(plan['stages'])} order stages, {len(plan['team'])} team places; "
        f"{len(plan['unplaced'])} not placed",
        time.perf_counter() - begun,
    )
    screen.print_event(
        f"At most [bold]{format_percent(plan['gap'])}[/bold] below the best possible plan (proven by HiGHS)"
    )
    rows = [
        (company.clients[item["client_id"]], company.person(item["to_id"]), _format_codes(item["why"]))
        for item in plan["items"][:LISTED_ROWS]
    ]
    screen.print_table(f"The first {len(rows)} of {len(plan['items'])}", ("client", "successor", "why"), rows)
    return plan


async def _show_transfer(
    system: System, company: NorthwindCompany, screen: Screen, case: str, plan: dict[str, Any]
) -> None:
    screen.start_part(f"{company.person(HEAD_OF_SALES_ID)}, head of sales, approves, and the clients move")
    begun = time.perf_counter()
    path = f"/offboarding/v1/cases/{case}/plan/approval"
    await system.call("POST", path, "sales_head", sub=HEAD_OF_SALES_ID, json={"version": plan["version"], "edits": []})
    screen.print_event(f"Version {plan['version']} of the plan is approved", time.perf_counter() - begun)
    begun = time.perf_counter()
    await wait_for_step(system, case, "transfer", "done")
    took = time.perf_counter() - begun
    owners = {
        client["id"]: client["owner_id"]
        for client in (await get_json(system, "/clients/v1/clients", "service", limit=1000))["items"]
    }
    moved = Counter(owners[item["client_id"]] for item in plan["items"])
    stages = Counter(item["to_id"] for item in plan["stages"])
    screen.print_event(f"{moved.total()} clients and {stages.total()} order stages have moved, each acknowledged", took)
    rows = [
        (company.person(person), f"+{moved[person]}", f"+{stages[person]}", list(owners.values()).count(person))
        for person in sorted(moved | stages, key=lambda person: -moved[person])
    ]
    columns = ("successor", "clients", "stages", "clients now")
    screen.print_table("Who took over what", columns, rows, right=columns[1:])


async def _show_handover(system: System, company: NorthwindCompany, screen: Screen, case: str) -> None:
    screen.start_part("People do the rest: tasks, and an introduction to every client")
    tasks = (await get_json(system, "/offboarding/v1/tasks", "hr", case_id=case, limit=1000))["items"]
    rows = [(task["title"], company.person(task["assignee_id"]), task["due_on"], task["status"]) for task in tasks]
    screen.print_table("Tasks", ("what", "who", "until", "status"), rows)
    await _complete_write_up(system, company, screen, tasks)
    introductions = await list_introductions(system, case)
    one, other, *_ = sorted(introductions, key=lambda one: (one["form"] == "none", one["rank"]))
    await _show_introduction(system, company, screen, one, other["client_id"])
    states = Counter(one["status"] for one in await list_introductions(system, case))
    screen.print_event("Introductions: " + ", ".join(f"{count} {status}" for status, count in states.items()))
    waiting = (await get_json(system, f"/offboarding/v1/cases/{case}", "hr"))["waiting_for"]
    missing = [
        (_format_item(item), company.person(item["who_id"]) if item["who_id"] else "", item["due_on"] or "")
        for item in waiting[:LISTED_ROWS]
    ]
    screen.print_table(f"The case waits for {len(waiting)} things, among them", ("what", "who", "until"), missing)


async def list_introductions(system: System, case: str) -> list[dict[str, Any]]:
    path = f"/offboarding/v1/cases/{case}/introductions"
    found: list[dict[str, Any]] = (await get_json(system, path, "sales_head", sub=HEAD_OF_SALES_ID, limit=1000))[
        "items"
    ]
    return found


async def _complete_write_up(
    system: System, company: NorthwindCompany, screen: Screen, tasks: Sequence[Mapping[str, Any]]
) -> None:
    task = next(task for task in tasks if task["kind"] == "successful_actions")
    begun = time.perf_counter()
    proof = {"proof": "What worked with each client, and how I worked with them: 12 pages in the handover folder."}
    await system.call(
        "POST", f"/offboarding/v1/tasks/{task['id']}/complete", "employee", sub=task["assignee_id"], json=proof
    )
    screen.print_event(f"{company.person(task['assignee_id'])} has written up what worked", time.perf_counter() - begun)


async def _show_introduction(
    system: System, company: NorthwindCompany, screen: Screen, one: Mapping[str, Any], other: str
) -> None:
    """One introduction from end to end; the leaver's pass opens that one client for it, and nothing else."""
    client, to_id = one["client_id"], one["to_id"]
    brief = {"situation": "A loyal client.", "promises": "Delivery on Tuesdays.", "pitfalls": "Calls before ten."}
    acts = (
        ("accept", to_id, None, f"{company.person(to_id)} accepts {company.clients[client]}"),
        ("brief", LEAVER_ID, brief, f"{company.person(LEAVER_ID)} briefs: situation, promises, pitfalls"),
        ("introduce", LEAVER_ID, None, f"{company.person(LEAVER_ID)} introduces {company.person(to_id)} to the client"),
        ("confirm", to_id, {"by": "the client", "how": "call"}, "The client confirms"),
    )
    for act, sub, body, text in acts:
        begun = time.perf_counter()
        await system.call(
            "POST", f"/offboarding/v1/introductions/{one['id']}/{act}", "employee", sub=sub, json=body or {}
        )
        screen.print_event(text, time.perf_counter() - begun)
        if act == "brief":
            await _show_pass(system, company, screen, client, other)


async def _show_pass(system: System, company: NorthwindCompany, screen: Screen, client: str, other: str) -> None:
    begun = time.perf_counter()
    await wait_until(
        lambda: check_access(system, LEAVER_ID, client), lambda answer: bool(answer["allowed"]), "the pass"
    )
    refused = await check_access(system, LEAVER_ID, other)
    screen.print_event(
        f"A pass for this one client, for 24 hours: {company.clients[client]} [green]Yes[/green] (pass), "
        f"{company.clients[other]} [red]No[/red] ({refused['reason']})",
        time.perf_counter() - begun,
    )


def format_percent(share: Any) -> str:
    return f"{float(share) * 100:.2f} %"


def _format_codes(codes: Sequence[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)


def _format_item(item: Mapping[str, Any]) -> str:
    what = str(item["what"]).replace("_", " ")
    return f"{what} ({item['number']})" if item["number"] > 1 else what
