"""The decision in SQL and the pure table agree on whatever world there is."""

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from services.clients.access.store.checks import REACH_EVERYBODY, AccessQuestion
from services.clients.permissions.rules import ACTIONS, ALLOWING_REASONS
from shared.database import bind_named
from tests.services.clients.town import BASE, Town, town
from tests.support.access_oracle import AccessFacts, PersonFacts, decide_access, find_relations
from tests.support.long import seeds

PEOPLE = [f"e{number}" for number in range(7)]
DEPARTMENTS = ["north", "south", None]
STRANGER = "nobody"


def made_up(seed: int, now: Any) -> dict[str, Any]:
    """A world: anything may be true of anybody, as far as the tables can say it."""
    chance = random.Random(seed)
    people = {}
    for id in PEOPLE:
        frozen = chance.random() < 0.3
        settling = not frozen and chance.random() < 0.15
        people[id] = {
            "employee_id": id,
            "status": chance.choice(["active", "active", "active", "resigned", "left", None]),
            "frozen": frozen,
            "settling": settling,
            "stand_in_id": chance.choice([None, *PEOPLE]) if frozen or settling else None,
            "department_id": chance.choice(DEPARTMENTS),
            "deputy_id": chance.choice([None, *PEOPLE]),
            "unacknowledged_from": chance.choice([None, None, None, now.date(), now.date() + timedelta(days=1)]),
            "absences": json.dumps(
                chance.choice([[], absence(now, -3, None), absence(now, -3, -1), absence(now, 0, 0)])
            ),
        }
    clients = {f"c{number}": chance.choice(PEOPLE) for number in range(5)}
    pairs = list(product(PEOPLE, clients))
    return {
        "people": people,
        "clients": clients,
        "team": chance.sample(pairs, 4),
        "stages": chance.sample(pairs, 4),
        "heads": chance.sample(list(product(["north", "south"], PEOPLE)), 3),
        "passes": [
            {
                "pair": pair,
                "purpose": chance.choice(["introduction", "work"]),
                "begin": chance.choice([-2, 1]),
                "withdrawn": chance.random() < 0.2,
            }
            for pair in chance.sample(pairs, 12)
        ],
    }


def absence(now: Any, begin: int, end: int | None) -> list[dict[str, Any]]:
    def day(offset: int) -> str:
        return str((now + timedelta(days=offset)).date().isoformat())

    return [{"absence_id": "a", "from_day": day(begin), "until_day": None if end is None else day(end)}]


async def build(here: Town, world: Mapping[str, Any], now: Any) -> None:
    async with here.house.runtime("clients").database.connect() as connection:

        async def run(sql: str, rows: list[dict[str, Any]]) -> None:
            for row in rows:
                await connection.execute(*bind_named(sql, **row))

        await run(
            """
            INSERT INTO people (employee_id, status, frozen, settling, stand_in_id, department_id, deputy_id, absences,
                                unacknowledged_from)
            VALUES (:employee_id, :status, :frozen, :settling, :stand_in_id, :department_id, :deputy_id,
                    CAST(:absences AS jsonb), :unacknowledged_from)
            """,
            list(world["people"].values()),
        )
        await run(
            "INSERT INTO clients (client_id, owner_id, surrogate) VALUES (:client, :owner, gen_random_uuid())",
            [{"client": client, "owner": owner} for client, owner in world["clients"].items()],
        )
        await run(
            """
            INSERT INTO profiles (client_id, name, effort, regions, languages, contacts, registered_at, fingerprint)
            VALUES (:client, 'A', 1, '[]', '[]', '[]', :now, '')
            """,
            [{"client": client, "now": now} for client in world["clients"]],
        )
        await run(
            "INSERT INTO team (client_id, function, employee_id) VALUES (:client, :function, :employee)",
            [
                {"client": client, "function": f"f-{employee}", "employee": employee}
                for employee, client in world["team"]
            ],
        )
        await run(
            "INSERT INTO open_stages (order_id, stage, client_id, employee_id) VALUES (:order, 's', :client, :employee)",
            [{"order": f"o-{n}", "client": client, "employee": who} for n, (who, client) in enumerate(world["stages"])],
        )
        await run(
            "INSERT INTO heads (department_id, head_id, distance) VALUES (:department, :head, 0)",
            [{"department": department, "head": head} for department, head in world["heads"]],
        )
        await run(
            """
            INSERT INTO passes (pass_id, employee_id, client_id, purpose, from_time, until_time, granted_by, granted_at,
                                withdrawn_at)
            VALUES (:id, :employee, :client, :purpose, :begin, :end, 'hr', :begin, :withdrawn)
            """,
            [
                {
                    "id": f"p-{n}",
                    "employee": given["pair"][0],
                    "client": given["pair"][1],
                    "purpose": given["purpose"],
                    "begin": now + timedelta(hours=given["begin"]),
                    "end": now + timedelta(hours=given["begin"] + 3),
                    "withdrawn": now if given["withdrawn"] else None,
                }
                for n, given in enumerate(world["passes"])
            ],
        )


def expected(world: Mapping[str, Any], employee: str, client: str, action: Any, now: Any) -> str:
    people, owner_id = world["people"], world["clients"].get(client)
    row = people.get(employee, {"status": None, "frozen": False, "unacknowledged_from": None})
    policy = row["unacknowledged_from"] is not None and row["unacknowledged_from"] <= now.date()
    if owner_id is None:
        return decide_access(AccessFacts(row["status"], row["frozen"], False, frozenset(), policy=policy), action)

    def person(id: str) -> PersonFacts:
        found, day = people[id], now.date().isoformat()
        away = any(
            absence["from_day"] <= day <= (absence["until_day"] or "9999") for absence in json.loads(found["absences"])
        )
        return PersonFacts(id, found["department_id"], found["deputy_id"], away)

    owner = people[owner_id]
    acting = owner["stand_in_id"] or (None if owner["settling"] else owner_id)
    heads: dict[Any, set[str]] = {}
    for department, head in world["heads"]:
        heads.setdefault(department, set()).add(head)
    relations = find_relations(
        employee,
        person(owner_id),
        person(acting) if acting else None,
        {who for who, served in [*world["team"], *world["stages"]] if served == client},
        heads,
        row.get("settling", False),
    )
    passes = frozenset(
        given["purpose"]
        for given in world["passes"]
        if given["pair"] == (employee, client) and given["begin"] < 0 and not given["withdrawn"]
    )
    return decide_access(AccessFacts(row["status"], row["frozen"], True, relations, passes, policy), action)


@pytest.mark.parametrize("seed", seeds(4, 60))
async def test_sql_and_the_table_agree_on_every_question_in_a_random_world(seed: int) -> None:
    async with town() as here:
        now = here.house.clock().astimezone(here.house.clock.zone)
        world = made_up(seed, now)
        await build(here, world, now)
        batcher = here.house.runtime("clients").state["check_batcher"]
        questions = [
            AccessQuestion(employee, client, action, "crm", REACH_EVERYBODY)
            for employee, client, action in product([*PEOPLE, STRANGER], [*world["clients"], "none"], ACTIONS)
        ]
        wanted = [expected(world, one.employee_id, one.client_id, one.action, now) for one in questions]
        together = await batcher.check_all(questions)
        assert [answer.reason for answer in together] == wanted
        assert [answer.allowed for answer in together] == [reason in ALLOWING_REASONS for reason in wanted]
        alone = [await batcher.check(one) for one in questions[::7]]
        assert [answer.reason for answer in alone] == wanted[::7]
        for action in ACTIONS:
            allowed = {
                (one.employee_id, one.client_id): reason
                for one, reason in zip(questions, wanted, strict=True)
                if one.action == action and reason in ALLOWING_REASONS
            }
            by_employee = {
                (employee, item["client_id"]): item["reason"]
                for employee in [*PEOPLE, STRANGER]
                for item in await everything(here, "clients", employee_id=employee, action=action)
            }
            by_client = {
                (item["employee_id"], client): item["reason"]
                for client in world["clients"]
                for item in await everything(here, "employees", client_id=client, action=action)
            }
            assert by_employee == allowed
            assert by_client == allowed


async def everything(here: Town, set: str, **asked: Any) -> list[dict[str, Any]]:
    """What a set question answers, two at a time."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await here.house.ok("service", "GET", f"{BASE}/access/{set}", params={**asked, "limit": 2, **cursor})
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}
