"""A whole departure over Kafka: four services as processes, two replicas of two of them, one of each killed and started again."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import pytest

from shared.settings import SERVICES
from tests.stories.actions import (
    approve_plan,
    as_employee,
    carry_out_introductions,
    check_access,
    complete_tasks,
    get_case,
    get_certificate,
    get_owners,
    list_introductions,
    list_open_tasks,
    list_owners,
    resign,
    send_hris_message,
)
from tests.stories.company import OWNERS, build_company
from tests.stories.remote_house import PATIENCE, RemoteHouse, is_everything_received, wait_for_step
from tests.stories.truths import TruthChecker
from tests.support.deployment import Deployment, run_deployment

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]
ACKNOWLEDGED = "SELECT 1 FROM outbox WHERE type = 'access.frozen' AND subject = 'employee/anna'"


@pytest.mark.kafka(private=True)
@pytest.mark.processes
async def test_a_departure_over_kafka_survives_a_kill_of_one_replica_of_each() -> None:
    with run_deployment({"clients": 2, "offboarding": 2}, {"HOLDFAST_LAST_RESORT": "dora"}) as deployment:
        files = deployment.places.files
        databases = {name: files[f"/run/secrets/{name}_database_url"].read_text() for name in SERVICES}
        async with AsyncExitStack() as stack:
            house, *replicas = [
                RemoteHouse(url, files["/run/secrets/signing_key"], databases)
                for url in (deployment.url, *(deployment.address("clients", replica) for replica in range(2)))
            ]
            for one in (house, *replicas):
                stack.push_async_callback(one.http.aclose)
            await depart(house, replicas, deployment)


async def depart(house: RemoteHouse, replicas: Sequence[RemoteHouse], deployment: Deployment) -> None:
    await build_company(house)
    await resign(house, "anna")
    await house.until(lambda: house.rows("clients", ACKNOWLEDGED), "clients acknowledges the freeze")
    await each_refuses(replicas, "read")
    assert await list_owners(house, ANNAS) == {"ben"}

    await wait_for_step(house, "anna", "plan", "waiting")
    planned = {item["client_id"]: item["to_id"] for item in (await approve_plan(house, "anna"))["items"]}
    deployment.process("clients", 1).kill()  # the transfer is under way
    await wait_for_step(house, "anna", "transfer", "done")
    assert await get_owners(house, ANNAS) == planned

    first, second, *others = await list_introductions(house, "anna")
    await carry_out_introductions(house, first)
    path = f"/offboarding/v1/introductions/{second['id']}"
    await house.ok(as_employee(second["to_id"]), "POST", f"{path}/accept")
    deployment.process("offboarding", 0).kill()  # one introduction is over, another one begun
    await carry_out_introductions(house, second, *others)
    for name, replica in (("clients", 1), ("offboarding", 0)):
        process = deployment.process(name, replica)
        process.start()
        process.wait_until(partial(deployment.healthy, name, replica), PATIENCE, "is healthy again")
    await each_refuses(replicas, "export")  # what no pass of an introduction allows
    await complete_tasks(house, "anna")
    await wait_for_step(house, "anna", "hand_over", "done")

    await send_hris_message(house, "employee.left", "anna", on=str(house.clock.day()))
    await wait_for_step(house, "anna", "clear", "done")
    assert not await list_open_tasks(house, (await get_case(house, "anna"))["id"])
    assert (await get_certificate(house, "anna"))["employee_id"] == "anna"
    await house.until(lambda: is_everything_received(house), "everything sent is received")
    await TruthChecker().read(house)
    assert not await house.rows("orders", "SELECT 1 FROM stages WHERE open AND employee_id = 'anna'")


async def each_refuses(replicas: Sequence[RemoteHouse], action: str) -> None:
    """Asked directly, several times: no gateway chooses for them."""
    for replica in replicas:
        for client in ANNAS:
            assert await check_access(replica, "anna", client, action) == "frozen"
        seen = await replica.call(as_employee("anna"), "GET", "/clients/v1/clients/c-6")
        assert (seen.status_code, seen.json()["reason"]) == (403, "frozen")
