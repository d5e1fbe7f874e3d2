"""Who may do what with whose: role × route × whose × frozen, made from the OpenAPI document of `clients`, every cell asserted.

The cells stand in matrix.txt. After an intended change: `HOLDFAST_WRITE_MATRIX=1 pytest tests/house/test_matrix.py -k exactly`,
and look at the diff. The rules below it hold whatever stands there.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from shared.auth import Role
from tests.house.requests_of_clients import GOING, REQUESTS, SHOWING, filled
from tests.services.clients.town import BASE, Town, town

GOLDEN = Path(__file__).with_name("matrix.txt")
METHODS = ("get", "post", "put", "patch", "delete")
ROLES: tuple[Role, ...] = get_args(Role)
WHOSE = ("own", "headed", "other")
FROZEN = ("free", "frozen")
# What a frozen employee still reads: that they are frozen, why, and the passes that they have.
HANDOVER = {
    *("GET /access/freezes/{employee_id}", "GET /access/passes", "GET /access/passes/{pass_id}"),
    "GET /access/export-grants",
}
BULK = {"POST /clients/batch": ("created", "updated", "unchanged"), "POST /transfers": ("done",)}
Cell = tuple[str, str, str, str]  # operation, whose, free or frozen, role


def group(role: str, whose: str, frozen: str) -> str:
    return f"{role}.{whose}.{frozen}"


def groups() -> Iterator[tuple[str, str, str]]:
    return ((role, whose, frozen) for role in ROLES for whose in WHOSE for frozen in FROZEN)


async def settle_in(here: Town, role: str, whose: str, frozen: str) -> dict[str, str]:
    """A caller who heads a department, and the objects of a cell's requests: all of one group, so that no cell disturbs
    another group's."""
    name = group(role, whose, frozen)
    caller, headed, other, colleague = f"caller.{name}", f"headed.{name}", f"other.{name}", f"colleague.{name}"
    await here.department(f"d.{name}", head=caller)
    await here.department(f"w.{name}")
    await here.hire(headed, colleague, department_id=f"d.{name}")
    await here.hire(caller, other, department_id=f"w.{name}")
    subject = {"own": caller, "headed": headed, "other": other}[whose]
    kept, going = f"c.{name}", f"g.{name}"
    contacts = [{"id": one, "name": "Zoë", "phone": "+49 30 901820"} for one in ("k-1", "k-2")]
    for client in (kept, going):
        await here.client(client, subject, contacts=contacts, team={"delivery": colleague})
    grant = {"id": f"x.{name}", "employee_id": subject, "reason": "a fair"}
    await here.house.ok(("director", "boss"), "POST", f"{BASE}/access/export-grants", json=grant)
    now, later = here.house.clock(), here.house.clock() + timedelta(hours=2)
    names = {
        "subject": subject,
        "client": kept,
        "colleague": colleague,
        "function": "delivery",
        "grant_id": f"x.{name}",
    }
    names |= {"employee_id": subject, "contact_id": "k-1", "pass_id": f"p.{name}", "now": now.isoformat()}
    return {
        **names,
        "later": later.isoformat(),
        "caller": caller,
        "going": going,
        "key_id": "00000000-0000-7000-8000-000000000000",
    }


async def freeze(here: Town, names: dict[str, str], frozen: str) -> None:
    """The subject is frozen for a pass; then, unless they are the caller of a frozen cell, lifted again."""
    await here.house.ok(
        ("hr", "hana"), "POST", f"{BASE}/access/freezes", json={"employee_id": names["subject"], "reason": "r"}
    )
    given = {"id": names["pass_id"], "employee_id": names["subject"], "client_id": names["client"]}
    given |= {"from": names["now"], "until": names["later"], "purpose": "introduction"}
    await here.house.ok(("hr", "hana"), "POST", f"{BASE}/access/passes", json=given)
    for who in (("hr", "hana"), ("director", "dirk")):
        await here.house.ok(who, "DELETE", f"{BASE}/access/freezes/{names['subject']}?reason=over")
    if frozen == "frozen":
        body = {"employee_id": names["caller"], "reason": "seen copying"}
        await here.house.ok(("hr", "hana"), "POST", f"{BASE}/access/freezes", json=body)


async def ask(here: Town, operation: str, who: Any, names: dict[str, str]) -> str:
    """What comes: the status, and of a refusal its reason."""
    method, path = operation.split(" ")
    client = names["going"] if operation in GOING else names["client"]
    query, body = filled(REQUESTS[operation], names)
    contact = "k-2" if operation.endswith("/erase") else names["contact_id"]
    place = BASE + path.format_map({**names, "id": client, "contact_id": contact})
    sent = {} if body is None else {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = await here.house.call(who, method, place, params=query, **sent)
    assert answer.status_code < 500, (operation, answer.text)
    if not answer.is_success:
        return f"{answer.status_code} {answer.json()['reason']}"
    if operation in BULK:  # the call is answered; what became of its one item says whether anything was given
        item = answer.json()["items"][0]
        return "200" if item["outcome"] in BULK[operation] else f"refused {item.get('reason') or item['outcome']}"
    said = answer.json() if answer.content and answer.headers["content-type"] == "application/json" else {}
    (first,) = said.get("results", [said])
    nothing = said.get("items") == [] or first.get("allowed") is False
    return f"{answer.status_code} nothing" if nothing else str(answer.status_code)


@pytest.fixture(scope="module")
async def operations() -> AsyncIterator[list[str]]:
    async with town() as here:
        document = (await here.house.call(None, "GET", "/clients/openapi.json")).json()
        yield [
            f"{method.upper()} {path.removeprefix(BASE)}"
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        ]


@pytest.fixture(scope="module")
async def cells(operations: list[str]) -> dict[Cell, str]:
    found: dict[Cell, str] = {}
    async with town(policy_required=False) as here:
        cases = {names: await settle_in(here, *names) for names in groups()}
        check = {"employee_id": "boss", "client_id": "none", "action": "read"}
        decision = (await here.house.ok(("service", "crm"), "POST", f"{BASE}/access/check", json=check))["decision_id"]
        await here.house.settle()
        for (role, whose, frozen), names in cases.items():
            await freeze(here, names, frozen)
            for operation in sorted(operations, key=list(REQUESTS).index):
                who = ([role], names["caller"])
                found[operation, whose, frozen, role] = await ask(here, operation, who, {**names, "decision": decision})
    if os.environ.get("HOLDFAST_WRITE_MATRIX"):
        GOLDEN.write_text(written(found))
    return found


def written(found: dict[Cell, str]) -> str:
    """A line for each operation, whose and frozen; the roles that got the same stand together."""
    lines = []
    for operation in REQUESTS:
        for whose in WHOSE:
            for frozen in FROZEN:
                answers: dict[str, list[str]] = {}
                for role in ROLES:
                    answers.setdefault(found[operation, whose, frozen, role], []).append(role)
                told = "; ".join(f"{answer}: {' '.join(roles)}" for answer, roles in sorted(answers.items()))
                lines.append(f"{operation} | {whose} | {frozen} | {told}\n")
    return "".join(lines)


def test_every_operation_has_a_fitting_request(operations: list[str]) -> None:
    assert set(operations) == set(REQUESTS)


async def test_every_cell_is_exactly_as_it_is_written(cells: dict[Cell, str]) -> None:
    assert written(cells).splitlines() == GOLDEN.read_text().splitlines()


def breaches(cells: dict[Cell, str]) -> set[str]:
    """What no cell may say, whatever is written."""
    found = set()
    for (operation, whose, frozen, role), answer in cells.items():
        given, cell = answer in ("200", "201", "202", "204"), f"{operation} {whose} {frozen} {role}"
        if given and frozen == "frozen" and operation not in HANDOVER:
            found.add(f"a frozen caller gets something: {cell}")
        if given and operation in SHOWING and role in ("hr", "ops", "auditor"):
            found.add(f"shows clients to a role that sees none: {cell}")
        about_one = "{id}" in operation or "{employee_id}" in operation or "{pass_id}" in operation
        if given and whose == "other" and about_one and role in ("employee", "sales_head"):
            found.add(f"somebody else's: {cell}")
        own_affair = operation in ("POST /access/freezes", "POST /access/passes", "POST /access/export-grants")
        if given and whose == "own" and (own_affair or operation == "POST /journal/holds"):
            found.add(f"on one's own affair: {cell}")
    return found


async def test_every_request_fits(cells: dict[Cell, str]) -> None:
    assert {cell: answer for cell, answer in cells.items() if answer in ("422 invalid", "400 malformed")} == {}


async def test_no_cell_breaks_a_rule(cells: dict[Cell, str]) -> None:
    assert breaches(cells) == set()


async def test_a_door_that_is_too_open_breaks_a_rule(cells: dict[Cell, str]) -> None:
    for planted in (
        ("GET /clients/{id}", "other", "free", "employee"),
        ("GET /clients/{id}", "own", "frozen", "employee"),
        ("GET /export", "own", "free", "hr"),
        ("POST /access/passes", "own", "free", "director"),
    ):
        assert len(breaches({**cells, planted: "200"})) == 1


async def test_without_a_token_nothing_opens(operations: list[str]) -> None:
    async with town() as here:
        names = dict.fromkeys(("id", "employee_id", "pass_id", "grant_id", "contact_id", "function", "key_id"), "1")
        for operation in operations:
            method, path = operation.split(" ")
            answer = await here.house.call(None, method, BASE + path.format_map(names))
            assert answer.status_code == 401, operation
