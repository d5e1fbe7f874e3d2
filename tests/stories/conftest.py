"""The company on its morning, for whoever tells no whole story."""

from collections.abc import AsyncIterator

import pytest

from tests.stories.ways import Watched, told


@pytest.fixture
async def house() -> AsyncIterator[Watched]:
    async with told() as house:
        yield house
