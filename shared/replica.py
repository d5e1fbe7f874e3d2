"""One running replica of a service: its relay, its consumers and its tickers."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from shared.bus import POLL_SECONDS, retry_until_success
from shared.messages import Record
from shared.outbox.inbox import receive_records
from shared.outbox.relay import delete_expired, publish_outbox
from shared.outbox.retries import retry_waiting_key
from shared.outbox.waiting import measure_waiting_keys
from shared.service import Runtime, Ticker

log = structlog.get_logger()

CHASSIS_TICKERS = (
    Ticker("retry_waiting_key", 0.5, retry_waiting_key),
    Ticker("measure_waiting_keys", 5, measure_waiting_keys),
    Ticker("delete_expired", 3600, delete_expired),
)


@dataclass
class Replica(Runtime):
    """A `Runtime` whose loops can be started and stopped."""

    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def tickers(self) -> Sequence[Ticker]:
        return (*CHASSIS_TICKERS, *self.service.tickers)

    async def start(self) -> None:
        """Starts relay, consumers and tickers as tasks; the bus and the database must be up."""
        if self.service.open is not None:
            await self.service.open(self)
        loops: list[Coroutine[Any, Any, None]] = [self._relay()]
        loops += [self.bus.consume(topic, self.name, self.receive) for topic in self.topics]
        loops += [self._tick(ticker) for ticker in self.tickers]
        self.tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        if self.service.close is not None:
            await self.service.close(self)

    async def receive(self, records: Sequence[Record]) -> None:
        if self.has_too_many_parked:
            raise ConnectionError("too many parked keys")
        await receive_records(self, records)

    async def _relay(self) -> None:
        while True:
            self.unsent.clear()
            if not await retry_until_success(lambda: publish_outbox(self), "relay.paused", service=self.name):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.unsent.wait(), POLL_SECONDS)

    async def _tick(self, ticker: Ticker) -> None:
        while True:
            started = time.monotonic()
            try:
                again = await ticker.run(self)
            except Exception as error:
                log.warning("ticker.failed", service=self.name, ticker=ticker.name, error=type(error).__name__)
                again = False
            if not again:
                await asyncio.sleep(max(0.0, ticker.seconds - (time.monotonic() - started)))
