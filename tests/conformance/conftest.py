"""Each test that asks for a `lab` proves its sentence for every bus."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.kafka import Broker, shared_broker
from tests.support.lab import Lab, create_template_database, open_lab


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    with shared_broker() as shared:
        yield shared


@pytest.fixture(scope="session")
async def template() -> None:
    await create_template_database()


@pytest.fixture(params=["in_process", pytest.param("kafka", marks=pytest.mark.kafka)])
async def lab(request: pytest.FixtureRequest, template: None) -> AsyncIterator[Lab]:
    bootstrap = request.getfixturevalue("broker").bootstrap if request.param == "kafka" else None
    async with open_lab(Lab(bootstrap)) as under_test:
        yield under_test
