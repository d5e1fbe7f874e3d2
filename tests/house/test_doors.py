"""Every route of every OpenAPI document denies by default; all errors are problems; documents are served without a CDN.

Which roles a route opens to stands in doors.txt. After an intended change: `HOLDFAST_WRITE_DOORS=1 pytest
tests/house/test_doors.py -k exactly`, and look at the diff.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from shared.auth import Role
from shared.settings import SERVICES
from tests.support.asyncapi import SCHEMA
from tests.support.house import House

ROOT = Path(__file__).parent.parent.parent
METHODS = ("get", "post", "put", "patch", "delete")
ROLES: tuple[Role, ...] = get_args(Role)
GOLDEN = Path(__file__).with_name("doors.txt")
SHUT = ("urn:holdfast:forbidden", "urn:holdfast:roles_frozen")  # what the door itself says
SIGNED = "no role: a signature"  # the doors that no token opens


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    async with House.start() as started:
        yield started


async def documented(house: House, service: str) -> list[tuple[str, str]]:
    document = (await house.call(None, "GET", f"/{service}/openapi.json")).json()
    found = [(method, path) for path, item in document["paths"].items() for method in METHODS if method in item]
    assert found
    return found


def of_nothing(path: str) -> str:
    """The path to an object that does not exist."""
    return re.sub(r"\{[^}]+\}", "1", path)


async def routes(house: House, service: str) -> list[tuple[str, str]]:
    return [(method, of_nothing(path)) for method, path in await documented(house, service)]


async def opens(house: House, roles: list[Role], sub: str, method: str, path: str) -> bool | None:
    """Whether a token with these roles comes past the door; None where no token does.

    The door comes before the body and before any object, so an empty body and an id of nothing are refused only by what
    stands behind it.
    """
    answer = await house.call((roles, sub), method.upper(), of_nothing(path), content=b"{}")
    if answer.status_code == 401:
        return None
    return answer.status_code != 403 or answer.json()["type"] not in SHUT


def golden() -> dict[str, str]:
    """The lines of doors.txt: the roles by route."""
    return dict(line.split(": ", 1) for line in GOLDEN.read_text().splitlines())


@pytest.fixture(scope="module")
async def found(house: House) -> dict[str, str]:
    """What the doors themselves say, as doors.txt does."""
    table = {}
    for service in SERVICES:
        for method, path in await documented(house, service):
            open_to = {role: await opens(house, [role], "somebody", method, path) for role in ROLES}
            signed = set(open_to.values()) == {None}
            table[f"{method.upper()} {path}"] = SIGNED if signed else " ".join(role for role in ROLES if open_to[role])
    if os.environ.get("HOLDFAST_WRITE_DOORS"):
        GOLDEN.write_text("".join(f"{route}: {roles}\n" for route, roles in table.items()))
    return table


async def test_each_route_opens_to_exactly_these_roles(found: dict[str, str]) -> None:
    """One role at a time: 403 for each that doors.txt does not name, anything else for each that it does."""
    assert found == golden()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_frozen_caller_with_all_roles_comes_past_the_doors_of_an_employee_only(
    house: House, service: str
) -> None:
    """Behind some of them wait further refusals of the frozen, with reasons of their own."""
    leaver = {"name": "L", "email": "l@example.org", "hired_on": "2020-01-01"}
    await house.ok("hr", "POST", "/staff/v1/employees", json={"id": "leaver", **leaver})
    last_day = {"last_day": house.clock.day(30).isoformat()}
    await house.ok("hr", "POST", "/staff/v1/employees/leaver/resignation", json=last_day)
    await house.settle()
    roles = golden()
    for method, path in await documented(house, service):
        named = roles[f"{method.upper()} {path}"]
        expected = None if named == SIGNED else "employee" in named.split()
        assert await opens(house, [*ROLES], "leaver", method, path) is expected, (method, path)


def test_no_route_hides_from_the_documents() -> None:
    """What has no token may be left out of them; the tests here would not find anything else that is."""
    hiding = [
        path.relative_to(ROOT).as_posix()
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if "include_in_schema" in path.read_text()
    ]
    assert hiding == ["shared/http/app.py"]
    assert (ROOT / "shared/http/app.py").read_text().count("include_in_schema") == 1


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_refuses_a_call_without_a_token(house: House, service: str) -> None:
    for method, path in await routes(house, service):
        answer = await house.call(None, method.upper(), path)
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json", (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_refuses_a_forged_token(house: House, service: str) -> None:
    forged = house.token(["hr", "director", "ops", "service"])[:-8] + "AAAAAAAA"
    for method, path in await routes(house, service):
        answer = await house.call(None, method.upper(), path, headers={"Authorization": f"Bearer {forged}"})
        assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_route_gives_anything_to_a_token_without_roles(house: House, service: str) -> None:
    for method, path in await routes(house, service):
        answer = await house.call(([], "nobody"), method.upper(), path, content=b"{}")
        assert answer.status_code in (401, 403, 404, 422), (method, path, answer.status_code, answer.text)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_problem_is_described_and_never_repeats_the_input(house: House, service: str) -> None:
    secret = "Zs3cret-Zimmermann"
    for method, path in await routes(house, service):
        if method not in ("post", "put", "patch"):
            continue
        body = json.dumps({secret: secret, "name": [secret], "id": {"x": secret}, "reason": 7, "email": secret})
        answer = await house.call(
            (["hr", "director", "ops", "service", "auditor", "sales_head", "employee"], "e-1"),
            method.upper(),
            path,
            content=body,
        )
        assert answer.status_code < 500, (method, path, answer.text)
        assert secret not in answer.text, (method, path)


@pytest.mark.parametrize("service", ["", *(f"/{name}" for name in SERVICES)])
async def test_health_metrics_and_documents_need_no_token_and_no_other_site(house: House, service: str) -> None:
    for page in ("healthz", "readyz", "metrics", "openapi.json", "asyncapi.json", "docs"):
        answer = await house.call(None, "GET", f"{service}/{page}")
        assert answer.status_code == 200, (service, page, answer.text)
    assert "https://cdn" not in answer.text
    assert "unpkg" not in answer.text


@pytest.mark.parametrize("service", ["", *(f"/{name}" for name in SERVICES)])
async def test_asyncapi_documents_are_valid(house: House, service: str) -> None:
    document: Any = (await house.call(None, "GET", f"{service}/asyncapi.json")).json()
    jsonschema.validate(document, SCHEMA)
    assert document["operations"]


async def test_a_body_over_the_limit_is_refused_before_it_is_read_as_json(house: House) -> None:
    answer = await house.call("hr", "POST", "/staff/v1/employees", content=b"x" * 10_000_000)
    assert answer.status_code == 413
    assert answer.json()["title"] == "Too large"


async def test_malformed_json_is_a_problem_and_not_echoed(house: House) -> None:
    answer = await house.call(
        "hr",
        "POST",
        "/staff/v1/employees",
        content=b'{"name": "Zimmermann',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert "Zimmermann" not in answer.text


async def test_a_path_that_does_not_exist_is_a_problem(house: House) -> None:
    for path in ("/", "/nothing", "/staff/v1/nothing"):
        answer = await house.call("hr", "GET", path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
