"""A company in all four services with something of everything, for requests that a machine makes up.

`hanna` heads sales. `nora` and `paul` leave, their plans are proposed; `otto` leaves, his is approved; so does `mona`, but
her transfer was refused; `lena` left, her case is cleared and she is erased.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.messages import Record, get_events_topic
from shared.settings import SERVICES
from tests.services.offboarding.company import FLOW, approve, case_of, hire, leave, listed, resign
from tests.support.house import House

SETTINGS: Mapping[str, Any] = {"policy_required": False, "last_resort": "hanna", "hold_departures_above": "1"}
HEAD = (("sales_head", "employee"), "hanna")
LEAVERS = ("nora", "otto", "paul", "mona", "lena")
PEOPLE = (*LEAVERS, "petra", "quin", "ruth", "dana", *(f"e-{number}" for number in range(1, 10)))
SPARED = {"e-2", "e-3", "e-4", "e-6", "e-7", "e-8", "e-9"}  # for the requests that fit them
OWNERS = ["nora"] * 4 + ["otto"] * 8 + ["mona", "paul"] + ["hanna"] * 4
CLIENTS = {f"c-{number}": owner for number, owner in enumerate(OWNERS, 1)}
STAGES = ("placement", "delivery")
TURNS = ("accept", "brief", "introduce", "confirm")
S, C, O, B = "/staff/v1", "/clients/v1", "/orders/v1", "/offboarding/v1"  # noqa: E741


async def build(house: House) -> Mapping[str, Any]:
    """Builds it. Returns what tests/house/schemathesis_hooks.py asks for."""
    parked = await park(house)
    await register(house)
    await sell(house)
    holds = await hear_from_the_hris(house)
    await go(house)
    await hand_over(house)
    await house.ok("hr", "POST", f"{S}/employees/lena/erase", json={"reason": "request 17"})
    await house.settle()
    fields, fitting = await ids(house, holds), await fitting_ids(house)
    fitting[f"POST {S}/hris/holds/{{hold_id}}/confirm"] = {"hold_id": holds[:1]}
    fitting[f"POST {S}/hris/holds/{{hold_id}}/reject"] = {"hold_id": holds[1:]}
    for service in SERVICES:
        fitting |= {
            f"POST /{service}/v1/parked/{{key_id}}/replay": {"key_id": parked[service][:3]},
            f"POST /{service}/v1/parked/{{key_id}}/skip": {"key_id": parked[service][3:]},
        }
    return {"by_field": fields, "by_operation": fitting, "bodies": bodies(house)}


async def park(house: House) -> dict[str, list[str]]:
    """Six keys in each service whose message cannot be read and waits for a person."""
    for service in SERVICES:
        topic = get_events_topic("staff" if service != "staff" else "clients")
        records = [Record(topic, f"probe/{number}", {}, b"says nothing of itself") for number in range(6)]
        await house.runtime(service).receive(records)
    for _ in range(4):  # a key is parked at the fifth failure
        house.clock.move(minutes=1)
        await house.settle()
    house.clock.ahead = timedelta()
    sql = "SELECT id FROM waiting_keys WHERE parked_at IS NOT NULL ORDER BY key"
    return {service: [str(row["id"]) for row in await house.rows(service, sql)] for service in SERVICES}


async def register(house: House) -> None:
    await house.ok("hr", "POST", f"{S}/departments", json={"id": "sales", "name": "Sales"})
    await hire(house, "hanna")
    await house.ok("hr", "PATCH", f"{S}/departments/sales", json={"head_id": "hanna"})
    for name in PEOPLE:
        await hire(house, name, manager="hanna", delivery=200 if name == "dana" else 0)
    policy = {"id": "ownership", "title": "Whose the clients are", "texts": {"en": "The company's."}}
    await house.ok("hr", "POST", f"{S}/policies", json=policy)
    absence = {"from": house.clock.day(20).isoformat()}
    await house.ok("hr", "PUT", f"{S}/employees/e-1/absences/a-1", json=absence)
    await house.settle()


async def sell(house: House) -> None:
    for client, owner in CLIENTS.items():
        body = {
            "id": client,
            "name": client,
            "owner_id": owner,
            "value": "100.00",
            "contacts": [{"id": "k-1", "name": "Kim"}],
        }
        await house.ok("service", "POST", f"{C}/clients", json={**body, "team": {"delivery": "dana"}})
    await house.ok("director", "POST", f"{O}/flows", json=FLOW)
    await house.settle()
    for client, owner in CLIENTS.items():
        order = {"id": client.replace("c", "o"), "client_id": client, "flow_id": "standard", "value": "50.00"}
        order |= {"origin": "own", "placed_on": house.clock.day().isoformat()}
        assignees = dict(zip(STAGES, (owner, "dana"), strict=True))
        await house.ok("service", "POST", f"{O}/orders", json={**order, "assignees": assignees})
    await house.ok("director", "POST", f"{O}/orders/o-18/stages/placement/start")
    await house.settle()


async def go(house: House) -> None:
    """Whoever is asked to approve a plan must not find somebody in it who leaves too: paul, whose plan waits, is the last."""
    for name in ("e-7", "e-9"):
        await house.ok("hr", "POST", f"{S}/employees/{name}/departure", json={"on": house.clock.day(-10).isoformat()})
    await house.settle()
    lena, mona = await resign(house, "lena"), await resign(house, "mona")
    plan = await house.ok(HEAD, "GET", f"{B}/cases/{mona['id']}/plan")
    await house.ok(HEAD, "POST", f"{B}/cases/{mona['id']}/plan/approval", json={"version": plan["version"]})
    for frozen in (plan["items"][0]["to_id"], "e-8"):
        body = {"employee_id": frozen, "reason": "laptop stolen"}
        await house.ok(("hr", "helga"), "POST", f"{C}/access/freezes", json=body)
    await house.settle()
    assert (await case_of(house, "mona"))["status"] == "needs_person"
    await approve(house, await resign(house, "otto"))
    await resign(house, "nora")
    await resign(house, "paul")
    for task in await listed(house, f"tasks?case_id={lena['id']}"):
        who = ("employee", task["assignee_id"])
        await house.ok(who, "POST", f"{B}/tasks/{task['id']}/complete", json={"proof": "seen"})
    assert (await leave(house, "lena"))["status"] == "cleared"


async def hand_over(house: House) -> None:
    """Documents, one of them handed over to hanna; introductions, some of them before each of the turns."""
    case = await case_of(house, "otto")
    for document in ("d-1", "d-2"):
        body = {"id": document, "title": "Contract", "kind": "contract", "location": "drawer"}
        await house.ok(HEAD, "POST", f"{B}/cases/{case['id']}/documents", json=body)
    receiver = {"receiver_id": "hanna"}
    await house.ok(("employee", "otto"), "POST", f"{B}/documents/d-2/hand_over", json=receiver)
    for number, one in enumerate(await listed(house, f"cases/{case['id']}/introductions")):
        for turn in TURNS[: number % len(TURNS)]:
            who = ("employee", one["to_id"] if turn == "accept" else one["from_id"])
            await house.ok(who, "POST", f"{B}/introductions/{one['id']}/{turn}", json={})


async def hear_from_the_hris(house: House) -> list[str]:
    """It announces three departures in a day, where one is usual, and that of somebody whom nobody knows. The holds."""
    source = await house.ok("ops", "POST", f"{S}/hris/sources", json={"id": "hris", "kind": "generic"})
    for name in ("e-2", "e-3", "e-4", "unheard-of"):
        data = {"employee_id": name, "last_day": house.clock.day(30).isoformat()}
        assert (await house.webhook("hris", source["secret"], "employee.resigned", data)).status_code == 202
    return [hold["id"] for hold in (await house.ok("hr", "GET", f"{S}/hris/holds"))["items"]]


async def ids(house: House, holds: list[str]) -> dict[str, list[str]]:
    """By the names of the fields that hold them."""
    cases = [(await case_of(house, name))["id"] for name in LEAVERS]
    given = {"employee_id": "nora", "client_id": "c-1", "purpose": "introduction", **hours(house)}
    await house.ok("hr", "POST", f"{C}/access/passes", json={"id": "p-1", **given})
    more = {"id": "g-1", "employee_id": "petra", "reason": "a fair"}
    await house.ok("hr", "POST", f"{C}/access/export-grants", json=more)
    held = {"employee_id": "e-5", "reason": "proceedings"}
    await house.ok(("hr", "helga"), "POST", f"{C}/journal/holds", json=held)
    messages = (await house.ok("hr", "GET", f"{S}/hris/messages"))["items"]
    tasks = await listed(house, f"tasks?case_id={cases[0]}")
    people = ("employee_id", "assignee_id", "owner_id", "from_id", "to_id", "manager_id", "head_id", "deputy_id")
    return {
        **{field: [name for name in PEOPLE if name not in SPARED] for field in (*people, "receiver_id")},
        "client_id": [*CLIENTS],
        "case_id": [cases[1], cases[4]],  # the others wait for the requests that fit them
        "order_id": [client.replace("c", "o") for client in CLIENTS],
        "flow_id": ["standard"],
        "department_id": ["sales"],
        "function": ["sales", "delivery"],
        "stage": [*STAGES],
        "introduction_id": [one["id"] for one in await listed(house, f"cases/{cases[1]}/introductions")],
        "visit_id": [visit["id"] for visit in await listed(house, "visits")],
        "task_id": [task["id"] for task in tasks],
        "document_id": ["d-1", "d-2"],
        "hold_id": holds,
        "message_id": [message["id"] for message in messages],
        "source_id": ["hris"],
        "pass_id": ["p-1"],
        "grant_id": ["g-1"],
        "absence_id": ["a-1"],
        "policy_id": ["ownership"],
    }


async def fitting_ids(house: House) -> dict[str, dict[str, Any]]:
    """Where an operation asks for something in a certain state, or a field has a name of many meanings."""
    case = {name: (await case_of(house, name))["id"] for name in LEAVERS}
    introductions = await listed(house, f"cases/{case['otto']}/introductions")
    status = dict(zip(TURNS, ("proposed", "accepted", "briefed", "introduced"), strict=True))
    turn = {
        f"POST {B}/introductions/{{introduction_id}}/{turn}": {
            "introduction_id": [one["id"] for one in introductions if one["status"] == status[turn]]
        }
        for turn in TURNS
    }
    stage = {"order_id": ["o-17", "o-18"], "name": [*STAGES]}
    client = {"id": [*CLIENTS]}
    return {
        **turn,
        f"POST {B}/cases/{{case_id}}/plan/approval": {"case_id": [case["paul"]], "version": [1]},
        f"POST {B}/cases/{{case_id}}/skip": {"case_id": [case["mona"]]},
        f"POST {B}/cases/{{case_id}}/retry": {"case_id": [case["nora"]]},
        f"GET {B}/cases/{{case_id}}/certificate": {"case_id": [case["lena"]]},
        f"POST {B}/documents/{{document_id}}/receive": {"document_id": ["d-2"]},
        f"DELETE {C}/access/freezes/{{employee_id}}": {"employee_id": ["e-8"]},
        f"POST {C}/clients/{{id}}/erase": {"id": ["c-18"]},
        f"POST {C}/clients/{{id}}/contacts/{{contact_id}}/erase": {"id": ["c-17"], "contact_id": ["k-1"]},
        f"GET {C}/exposure/{{employee_id}}": {"employee_id": ["nora"]},
        f"POST {O}/orders/{{order_id}}/stages/{{name}}/start": stage,
        f"POST {O}/orders/{{order_id}}/stages/{{name}}/complete": {**stage, "order_id": ["o-18"]},
        f"PUT {O}/orders/{{order_id}}/stages/{{name}}/assignee": {**stage, "order_id": ["o-1", "o-16"]},
        f"GET {O}/flows/{{flow_id}}/versions/{{version}}": {"version": [1]},
        f"GET {C}/journal/proofs/inclusion": {"decision_id": [await decision(house)]},
        f"GET {C}/journal/proofs/consistency": {"from": [0], "to": [1]},
        f"DELETE {C}/journal/holds/{{employee_id}}": {"employee_id": ["e-5"]},
        f"GET {C}/clients/route": {"phone": ["+4930901820"]},
        f"GET {C}/clients/{{id}}": client,
        f"PATCH {C}/clients/{{id}}": client,
        f"PUT {C}/clients/{{id}}": client,
        f"POST {C}/clients/{{id}}/merge": {"id": ["c-16"], "into_id": ["c-15"]},
        f"GET {C}/clients/{{id}}/history": client,
        f"GET {C}/clients/{{id}}/knowledge": client,
        f"GET {C}/clients/{{id}}/interactions": client,
        f"GET {C}/clients/{{id}}/feedback": client,
        f"PUT {C}/clients/{{id}}/team/{{function}}": client,
        f"DELETE {C}/clients/{{id}}/team/{{function}}": client,
        f"POST {C}/clients/{{id}}/interactions": client,
        f"POST {C}/clients/{{id}}/feedback": client,
        f"GET {C}/clients/{{id}}/contacts": client,
        f"POST {C}/clients/{{id}}/contacts": client,
        f"PATCH {C}/clients/{{id}}/contacts/{{contact_id}}": {**client, "contact_id": ["k-1"]},
        f"DELETE {C}/clients/{{id}}/contacts/{{contact_id}}": {**client, "contact_id": ["k-1"]},
        f"POST {S}/employees/{{employee_id}}/resignation": {"employee_id": ["e-6"]},
        f"POST {S}/employees/{{employee_id}}/departure/reversal": {"employee_id": ["e-7"]},
        f"POST {S}/employees/{{employee_id}}/rehire": {"employee_id": ["e-9"]},
        f"POST {S}/employees/{{employee_id}}/erase": {"employee_id": ["lena"]},
        f"GET {S}/employees/{{employee_id}}/erasure": {"employee_id": ["lena"]},
        f"GET {S}/policies/{{policy_id}}/versions/{{number}}": {"number": [1]},
        f"PUT {S}/policies/{{policy_id}}/versions/{{number}}/acknowledgements/{{employee_id}}": {
            "number": [1],
            "employee_id": ["e-1"],
        },
        f"DELETE {S}/employees/{{employee_id}}/absences/{{absence_id}}": {"employee_id": ["e-1"]},
    }


async def decision(house: House) -> str:
    """One that stands in the journal's tree."""
    asked = {"employee_id": "hanna", "client_id": "c-15", "action": "read"}
    made: str = (await house.ok("service", "POST", f"{C}/access/check", json=asked))["decision_id"]
    await house.settle()
    return made


def bodies(house: House) -> dict[str, Any]:
    """Of the first request of operations that ask for more than a machine hits upon. Nobody but hanna is sure to be there."""
    today = house.clock.day().isoformat()
    order = {"client_id": "c-15", "flow_id": "standard", "value": "9.00", "origin": "own", "placed_on": today}
    given = {"employee_id": "nora", "client_id": "c-2", "purpose": "introduction", **hours(house)}
    used = {"employee_id": "nora", "client_id": "c-1", "action": "read", "at": f"{today}T00:00:00Z", "system": "crm"}
    return {
        f"POST {B}/cases/{{case_id}}/plan/approval": {"version": 1},
        f"POST {B}/cases/{{case_id}}/skip": {"reason": "their caretaker keeps them"},
        f"POST {B}/cases/{{case_id}}/retry": {"step": "plan"},
        f"POST {B}/tasks/{{task_id}}/complete": {"proof": "seen"},
        f"POST {O}/orders": order,
        f"PUT {O}/orders/{{order_id}}/stages/{{name}}/assignee": {"employee_id": "hanna"},
        f"POST {C}/clients": {"name": "New", "owner_id": "hanna", "contacts": []},
        f"DELETE {C}/access/freezes/{{employee_id}}": {"reason": "found again"},
        f"POST {C}/access/passes": given,
        f"POST {C}/access/export-grants": {"employee_id": "petra", "reason": "a fair"},
        f"POST {C}/journal/holds": {"employee_id": "petra", "reason": "proceedings"},
        f"POST {C}/usage": {"items": [used]},
        f"POST {C}/clients/{{id}}/interactions": {"employee_id": "hanna", "kind": "call", "at": f"{today}T00:00:00Z"},
        f"PUT {C}/clients/{{id}}": {"name": "Renamed"},
        f"POST {C}/clients/{{id}}/merge": {"into_id": "c-15"},
        f"POST {C}/clients/batch": {"items": [{"id": "c-new", "name": "New", "owner_id": "hanna"}]},
        f"POST {C}/clients/{{id}}/contacts": {"name": "Lee"},
        f"POST {S}/employees": {"name": "New", "email": "new@example.org", "hired_on": today},
        f"POST {S}/employees/{{employee_id}}/resignation": {"last_day": house.clock.day(30).isoformat()},
        f"POST {S}/employees/{{employee_id}}/rehire": {"hired_on": today},
        f"POST {S}/policies": {"title": "T", "texts": {"en": "x"}},
        f"POST {S}/policies/{{policy_id}}/versions": {"title": "T", "texts": {"en": "x"}},
        f"PUT {S}/policies/{{policy_id}}/versions/{{number}}/acknowledgements/{{employee_id}}": {
            "evidence": "folder 7"
        },
        f"POST {S}/hris/sources": {"id": "another", "kind": "generic"},
        f"POST {S}/hris/sources/{{source_id}}/secret": {},
    }


def hours(house: House) -> dict[str, str]:
    """Those of a pass."""
    return {"from": house.clock().isoformat(), "until": (house.clock() + timedelta(hours=20)).isoformat()}
