"""The company on its morning, for whoever tells no whole story."""

from collections.abc import AsyncIterator

import pytest

from tests.stories.three_ways import WatchedHouse, start_house


@pytest.fixture
async def house() -> AsyncIterator[WatchedHouse]:
    async with start_house() as house:
        yield house
