"""The main part of the demo: Nancy Davolio resigns, and her clients stay."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from services.cli.calling import System
from services.cli.demo.company import SOURCE, Company
from services.cli.demo.showing import Screen, StoryStopped, duration, until

LEAVER = "1"
HEAD = "2"
SHOWN = 6  # rows of a long table


async def follow_departure(system: System, company: Company, screen: Screen) -> None:
    """Raises StoryStopped where something that must happen does not."""
    client = await _resign(system, company, screen)
    case = await _caretaker_and_risk(system, company, screen, client)
    plan = await _plan(system, company, screen, case)
    await _transfer(system, company, screen, case, plan)
    await _hand_over(system, company, screen, case)


async def send_webhook(system: System, company: Company, kind: str, data: Mapping[str, Any]) -> float:
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
    await system.call("POST", f"/staff/v1/hris/webhooks/{SOURCE}", content=body.encode(), headers=headers)
    return time.perf_counter()


async def check(system: System, employee_id: str, client_id: str, action: str = "read") -> dict[str, Any]:
    """What the CRM asks before it shows a client to somebody."""
    question = {"employee_id": employee_id, "client_id": client_id, "action": action}
    answer: dict[str, Any] = (
        await system.call("POST", "/clients/v1/access/check", "service", sub="crm", json=question)
    ).json()
    return answer


async def refused_after(system: System, employee_id: str, client_id: str, accepted: float) -> tuple[float, int, str]:
    """Asks until access is refused: seconds since the webhook was accepted, how often it was asked, the reason."""
    asked = 1
    while (answer := await check(system, employee_id, client_id))["allowed"]:
        asked += 1
        await asyncio.sleep(0.001)  # it all runs on one loop: asking without a pause would hold up the freeze
        if time.perf_counter() - accepted > 10:
            raise StoryStopped("the freeze did not come within 10 s")
    return time.perf_counter() - accepted, asked, answer["reason"]


async def get(system: System, path: str, *roles: Any, sub: str | None = None, **params: Any) -> Any:
    return (await system.call("GET", path, *roles, sub=sub, params=params or None)).json()


async def case_of(system: System, employee_id: str) -> dict[str, Any]:
    async def cases() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await get(system, "/offboarding/v1/cases", "hr", employee_id=employee_id))[
            "items"
        ]
        return found

    return (await until(cases, bool, "the case"))[0]


async def step_reached(system: System, case_id: str, step: str, *wanted: str) -> dict[str, Any]:
    """The case once this step has one of the wanted statuses."""

    async def case() -> dict[str, Any]:
        found: dict[str, Any] = await get(system, f"/offboarding/v1/cases/{case_id}", "hr")
        if found["status"] == "needs_person":
            raise StoryStopped(f"the case needs a person at its step {found['step']}")
        return found

    def there(found: dict[str, Any]) -> bool:
        return any(part["name"] == step and part["status"] in wanted for part in found["steps"])

    return await until(case, there, f"the step {step}")


async def _resign(system: System, company: Company, screen: Screen) -> str:
    name = company.person(LEAVER)
    today = datetime.now(company.zone).date()
    screen.part(f"{name} resigns")
    portfolio = (await get(system, "/clients/v1/clients", "service", owner_id=LEAVER, limit=1000))["items"]
    client: str = portfolio[0]["id"]
    begun = time.perf_counter()
    before = await check(system, LEAVER, client)
    if not before["allowed"]:
        raise StoryStopped(f"access is refused before the resignation ({before['reason']})")
    screen.line(
        f"{name} serves {len(portfolio)} clients. May she open {company.clients[client]}? "
        f"[green]Yes[/green] ({before['reason']})",
        time.perf_counter() - begun,
    )
    notice = {"employee_id": LEAVER, "notice_on": str(today), "last_day": str(today + timedelta(days=28))}
    begun = time.perf_counter()
    accepted = await send_webhook(system, company, "employee.resigned", notice)
    screen.line("The HRIS sends its signed webhook employee.resigned: accepted", accepted - begun)
    seconds, asked, reason = await refused_after(system, LEAVER, client, accepted)
    screen.line(f"The same question again, {asked} times in all: [bold red]No[/bold red] ({reason})")
    screen.line(f"[bold]From the accepted webhook to the refused access: {duration(seconds)}[/bold]")
    return client


async def _caretaker_and_risk(system: System, company: Company, screen: Screen, client: str) -> str:
    screen.part("Every client is in safe hands, and those at risk are known")
    begun = time.perf_counter()
    freeze = await get(system, f"/clients/v1/access/freezes/{LEAVER}", "hr")
    acting = await get(system, f"/clients/v1/clients/{client}", "service")
    held = await get(system, "/orders/v1/orders", "service", assignee_id=LEAVER, status="open", limit=1000)
    screen.line(
        f"Caretaker of all of them since the freeze: [bold]{company.person(freeze['caretaker_id'])}[/bold]; "
        f"{company.clients[client]} is now with {company.person(acting['owner_id'])}",
        time.perf_counter() - begun,
    )
    screen.line(f"Her stages in {len(held['items'])} open orders are held until the plan moves them")
    begun = time.perf_counter()
    case: str = (await case_of(system, LEAVER))["id"]
    await step_reached(system, case, "assess", "done")
    visits = (await get(system, "/offboarding/v1/visits", "sales_head", sub=HEAD, assignee_id=HEAD, limit=1000))[
        "items"
    ]
    screen.line(f"{len(visits)} urgent visits for {company.person(HEAD)}, ranked by risk", time.perf_counter() - begun)
    rows = [
        (
            visit["rank"],
            company.clients.get(visit["client_id"], visit["client_id"]),
            _words(visit["why"]),
            visit["due_on"],
        )
        for visit in sorted(visits, key=lambda visit: visit["rank"])[:SHOWN]
    ]
    screen.table("Visits", ("rank", "client", "why", "until"), rows, right=("rank",))
    return case


async def _plan(system: System, company: Company, screen: Screen, case: str) -> dict[str, Any]:
    screen.part("A permanent successor for each client")
    begun = time.perf_counter()
    await step_reached(system, case, "plan", "waiting", "done")
    plan: dict[str, Any] = await get(system, f"/offboarding/v1/cases/{case}/plan", "sales_head", sub=HEAD)
    screen.line(
        f"The plan: {len(plan['items'])} clients, {len(plan['stages'])} order stages, {len(plan['team'])} team places; "
        f"{len(plan['unplaced'])} not placed",
        time.perf_counter() - begun,
    )
    screen.line(f"At most [bold]{percent(plan['gap'])}[/bold] below the best possible plan (proven by HiGHS)")
    rows = [
        (company.clients[item["client_id"]], company.person(item["to_id"]), _words(item["why"]))
        for item in plan["items"][:SHOWN]
    ]
    screen.table(f"The first {len(rows)} of {len(plan['items'])}", ("client", "successor", "why"), rows)
    return plan


async def _transfer(system: System, company: Company, screen: Screen, case: str, plan: dict[str, Any]) -> None:
    screen.part(f"{company.person(HEAD)}, head of sales, approves, and the clients move")
    begun = time.perf_counter()
    path = f"/offboarding/v1/cases/{case}/plan/approval"
    await system.call("POST", path, "sales_head", sub=HEAD, json={"version": plan["version"], "edits": []})
    screen.line(f"Version {plan['version']} of the plan is approved", time.perf_counter() - begun)
    begun = time.perf_counter()
    await step_reached(system, case, "transfer", "done")
    took = time.perf_counter() - begun
    owners = {
        client["id"]: client["owner_id"]
        for client in (await get(system, "/clients/v1/clients", "service", limit=1000))["items"]
    }
    moved = Counter(owners[item["client_id"]] for item in plan["items"])
    stages = Counter(item["to_id"] for item in plan["stages"])
    screen.line(f"{moved.total()} clients and {stages.total()} order stages have moved, each acknowledged", took)
    rows = [
        (company.person(person), f"+{moved[person]}", f"+{stages[person]}", list(owners.values()).count(person))
        for person in sorted(moved | stages, key=lambda person: -moved[person])
    ]
    columns = ("successor", "clients", "stages", "clients now")
    screen.table("Who took over what", columns, rows, right=columns[1:])


async def _hand_over(system: System, company: Company, screen: Screen, case: str) -> None:
    screen.part("People do the rest: tasks, and an introduction to every client")
    tasks = (await get(system, "/offboarding/v1/tasks", "hr", case_id=case, limit=1000))["items"]
    rows = [(task["title"], company.person(task["assignee_id"]), task["due_on"], task["status"]) for task in tasks]
    screen.table("Tasks", ("what", "who", "until", "status"), rows)
    await _write_up(system, company, screen, tasks)
    introductions = await introductions_of(system, case)
    one, other, *_ = sorted(introductions, key=lambda one: (one["form"] == "none", one["rank"]))
    await _introduce(system, company, screen, one, other["client_id"])
    states = Counter(one["status"] for one in await introductions_of(system, case))
    screen.line("Introductions: " + ", ".join(f"{count} {status}" for status, count in states.items()))
    waiting = (await get(system, f"/offboarding/v1/cases/{case}", "hr"))["waiting_for"]
    missing = [
        (_what(item), company.person(item["who_id"]) if item["who_id"] else "", item["due_on"] or "")
        for item in waiting[:SHOWN]
    ]
    screen.table(f"The case waits for {len(waiting)} things, among them", ("what", "who", "until"), missing)


async def introductions_of(system: System, case: str) -> list[dict[str, Any]]:
    path = f"/offboarding/v1/cases/{case}/introductions"
    found: list[dict[str, Any]] = (await get(system, path, "sales_head", sub=HEAD, limit=1000))["items"]
    return found


async def _write_up(system: System, company: Company, screen: Screen, tasks: Sequence[Mapping[str, Any]]) -> None:
    task = next(task for task in tasks if task["kind"] == "successful_actions")
    begun = time.perf_counter()
    proof = {"proof": "What worked with each client, and how I worked with them: 12 pages in the handover folder."}
    await system.call(
        "POST", f"/offboarding/v1/tasks/{task['id']}/complete", "employee", sub=task["assignee_id"], json=proof
    )
    screen.line(f"{company.person(task['assignee_id'])} has written up what worked", time.perf_counter() - begun)


async def _introduce(system: System, company: Company, screen: Screen, one: Mapping[str, Any], other: str) -> None:
    """One introduction from end to end; the leaver's pass opens that one client for it, and nothing else."""
    client, to_id = one["client_id"], one["to_id"]
    brief = {"situation": "A loyal client.", "promises": "Delivery on Tuesdays.", "pitfalls": "Calls before ten."}
    acts = (
        ("accept", to_id, None, f"{company.person(to_id)} accepts {company.clients[client]}"),
        ("brief", LEAVER, brief, f"{company.person(LEAVER)} briefs: situation, promises, pitfalls"),
        ("introduce", LEAVER, None, f"{company.person(LEAVER)} introduces {company.person(to_id)} to the client"),
        ("confirm", to_id, {"by": "the client", "how": "call"}, "The client confirms"),
    )
    for act, sub, body, text in acts:
        begun = time.perf_counter()
        await system.call(
            "POST", f"/offboarding/v1/introductions/{one['id']}/{act}", "employee", sub=sub, json=body or {}
        )
        screen.line(text, time.perf_counter() - begun)
        if act == "brief":
            await _show_pass(system, company, screen, client, other)


async def _show_pass(system: System, company: Company, screen: Screen, client: str, other: str) -> None:
    begun = time.perf_counter()
    await until(lambda: check(system, LEAVER, client), lambda answer: bool(answer["allowed"]), "the pass")
    refused = await check(system, LEAVER, other)
    screen.line(
        f"A pass for this one client, for 24 hours: {company.clients[client]} [green]Yes[/green] (pass), "
        f"{company.clients[other]} [red]No[/red] ({refused['reason']})",
        time.perf_counter() - begun,
    )


def percent(share: Any) -> str:
    return f"{float(share) * 100:.2f} %"


def _words(codes: Sequence[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)


def _what(item: Mapping[str, Any]) -> str:
    what = str(item["what"]).replace("_", " ")
    return f"{what} ({item['number']})" if item["number"] > 1 else what
