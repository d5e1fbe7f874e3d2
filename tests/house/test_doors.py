"""Every route of every OpenAPI document denies by default; all errors are problems; documents are served without a CDN."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest

from shared.settings import SERVICES
from tests.support.asyncapi import SCHEMA
from tests.support.house import House

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    async with House.start() as started:
        yield started


async def routes(house: House, service: str) -> list[tuple[str, str]]:
    document = (await house.call(None, "GET", f"/{service}/openapi.json")).json()
    found = [(method, path) for path, item in document["paths"].items() for method in METHODS if method in item]
    assert found
    return [(method, re.sub(r"\{[^}]+\}", "1", path)) for method, path in found]


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
