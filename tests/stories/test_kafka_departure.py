"""A whole departure over Kafka: four services as processes, two replicas of two of them, one of each killed and started again."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import pytest

from shared.settings import SERVICES
from tests.stories.company import OWNERS, build
from tests.stories.hands import (
    approve,
    case_of,
    certificate,
    employee,
    hands_of,
    hris,
    introduce,
    introductions,
    may,
    open_tasks,
    owners,
    resigns,
    work_off,
)
from tests.stories.remote import PATIENCE, Remote, all_received, reaches
from tests.stories.truths import Truths
from tests.support.deployment import Deployment, deployed

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]
ACKNOWLEDGED = "SELECT 1 FROM outbox WHERE type = 'access.frozen' AND subject = 'employee/anna'"


@pytest.mark.kafka(private=True)
@pytest.mark.processes
async def test_a_departure_over_kafka_survives_a_kill_of_one_replica_of_each() -> None:
    with deployed({"clients": 2, "offboarding": 2}, {"HOLDFAST_LAST_RESORT": "dora"}) as deployment:
        files = deployment.places.files
        databases = {name: files[f"/run/secrets/{name}_database_url"].read_text() for name in SERVICES}
        async with AsyncExitStack() as stack:
            house, *replicas = [
                Remote(url, files["/run/secrets/signing_key"], databases)
                for url in (deployment.url, *(deployment.address("clients", replica) for replica in range(2)))
            ]
            for one in (house, *replicas):
                stack.push_async_callback(one.http.aclose)
            await depart(house, replicas, deployment)


async def depart(house: Remote, replicas: Sequence[Remote], deployment: Deployment) -> None:
    await build(house)
    await resigns(house, "anna")
    await house.until(lambda: house.rows("clients", ACKNOWLEDGED), "clients acknowledges the freeze")
    await each_refuses(replicas, "read")
    assert await hands_of(house, ANNAS) == {"ben"}

    await reaches(house, "anna", "plan", "waiting")
    planned = {item["client_id"]: item["to_id"] for item in (await approve(house, "anna"))["items"]}
    deployment.process("clients", 1).kill()  # the transfer is under way
    await reaches(house, "anna", "transfer", "done")
    assert await owners(house, ANNAS) == planned

    first, second, *others = await introductions(house, "anna")
    await introduce(house, first)
    path = f"/offboarding/v1/introductions/{second['id']}"
    await house.ok(employee(second["to_id"]), "POST", f"{path}/accept")
    deployment.process("offboarding", 0).kill()  # one introduction is over, another one begun
    await introduce(house, second, *others)
    for name, replica in (("clients", 1), ("offboarding", 0)):
        process = deployment.process(name, replica)
        process.start()
        process.wait_until(partial(deployment.healthy, name, replica), PATIENCE, "is healthy again")
    await each_refuses(replicas, "export")  # what no pass of an introduction allows
    await work_off(house, "anna")
    await reaches(house, "anna", "hand_over", "done")

    await hris(house, "employee.left", "anna", on=str(house.clock.day()))
    await reaches(house, "anna", "clear", "done")
    assert not await open_tasks(house, (await case_of(house, "anna"))["id"])
    assert (await certificate(house, "anna"))["employee_id"] == "anna"
    await house.until(lambda: all_received(house), "everything sent is received")
    await Truths().read(house)
    assert not await house.rows("orders", "SELECT 1 FROM stages WHERE open AND employee_id = 'anna'")


async def each_refuses(replicas: Sequence[Remote], action: str) -> None:
    """Asked directly, several times: no gateway chooses for them."""
    for replica in replicas:
        for client in ANNAS:
            assert await may(replica, "anna", client, action) == "frozen"
        seen = await replica.call(employee("anna"), "GET", "/clients/v1/clients/c-6")
        assert (seen.status_code, seen.json()["reason"]) == (403, "frozen")
