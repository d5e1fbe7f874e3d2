"""A whole departure over Kafka: four services as processes, two replicas of two of them, one of each killed midway."""

import pytest

from tests.stories.company import OWNERS, build
from tests.stories.hands import (
    approve,
    case_of,
    certificate,
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
from tests.stories.remote import Remote, reaches
from tests.support.deployment import Deployment, deployed

ANNAS = [client for client, owner in OWNERS.items() if owner == "anna"]


@pytest.mark.kafka(private=True)
@pytest.mark.processes
async def test_a_departure_over_kafka_survives_a_kill_of_one_replica_of_each() -> None:
    with deployed({"clients": 2, "offboarding": 2}, {"HOLDFAST_LAST_RESORT": "dora"}) as deployment:
        house = Remote(deployment.url, deployment.places.files["/run/secrets/signing_key"])
        try:
            await depart(house, deployment)
        finally:
            await house.http.aclose()


async def depart(house: Remote, deployment: Deployment) -> None:
    await build(house)
    await resigns(house, "anna")
    deployment.process("clients", 1).kill()
    deployment.process("offboarding", 0).kill()

    async def frozen() -> bool:
        return await may(house, "anna", "c-1") == "frozen"

    await house.until(frozen, "anna is refused")
    assert await hands_of(house, ANNAS) == {"ben"}

    await reaches(house, "anna", "plan", "waiting")
    planned = {item["client_id"]: item["to_id"] for item in (await approve(house, "anna"))["items"]}
    await reaches(house, "anna", "transfer", "done")
    assert await owners(house, ANNAS) == planned

    await introduce(house, *await introductions(house, "anna"))
    await work_off(house, "anna")
    await reaches(house, "anna", "hand_over", "done")

    await hris(house, "employee.left", "anna", on=str(house.clock.day()))
    await reaches(house, "anna", "clear", "done")
    assert not await open_tasks(house, (await case_of(house, "anna"))["id"])
    assert (await certificate(house, "anna"))["employee_id"] == "anna"
