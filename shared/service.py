"""What a service is (`Service`, pure data) and one running replica of it (`Runtime`)."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import httpx
import structlog
from asyncpg import Connection
from fastapi import APIRouter
from sqlalchemy import MetaData

from shared.auth import Keys
from shared.bus import NET, PAUSES, Bus
from shared.database import Database, UnitOfWork
from shared.messages import Command, Event, Message, commands_topic, events_topic
from shared.outbox.inbox import receive
from shared.outbox.relay import forget_old, publish_pending
from shared.outbox.waiting import count_parked, retry_waiting
from shared.settings import Settings
from shared.telemetry import METRICS, Metrics

log = structlog.get_logger()

Handler = Callable[[UnitOfWork, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Ticker:
    """Runs every `seconds`, at once again while it returns True (there was work and there may be more)."""

    name: str
    seconds: float
    run: Callable[["Runtime"], Awaitable[bool]]


@dataclass(frozen=True)
class Service:
    """What may be connected: doors, what it hears from whom, what it obeys, its tables and its tickers.

    A handler is `async (work, envelope) -> None`; one of a command may return a `Result` per item.
    What it `keeps` is never forgotten by the outbox, so that `republish` can send the very same event again.
    `is_frozen(connection, sub)` is asked at every door about the caller. `open(runtime)` and its counterpart `close`
    hold what lives as long as a replica does.
    """

    name: str
    summary: str
    router: APIRouter
    metadata: MetaData
    publishes: tuple[type[Event], ...]
    hears: Mapping[str, Mapping[type[Event], Handler]]
    obeys: Mapping[type[Command], Handler]
    is_frozen: Callable[[Connection, str], Awaitable[bool]]
    republish: Callable[["Runtime"], Awaitable[int]]
    keeps: tuple[type[Event], ...] = ()
    tickers: tuple[Ticker, ...] = ()
    open: Callable[["Runtime"], Awaitable[None]] | None = None
    close: Callable[["Runtime"], Awaitable[None]] | None = None


CHASSIS_TICKERS = (
    Ticker("retry_waiting", 0.5, retry_waiting),
    Ticker("count_parked", 5, count_parked),
    Ticker("forget_old", 3600, forget_old),
)


@dataclass
class Runtime:
    """One replica of a service. `alone` says that no other replica can exist (the embedded mode)."""

    service: Service
    settings: Settings
    database: Database
    bus: Bus
    keys: Keys
    calls: httpx.AsyncClient
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    alone: bool = False
    metrics: Metrics = METRICS
    after_commit: Callable[[str], None] | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    lease_term: int | None = None
    lease_until: datetime | None = None
    too_many_parked: bool = False
    state: dict[str, Any] = field(default_factory=dict)
    unsent: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        heard = {message.type: handler for heard in self.service.hears.values() for message, handler in heard.items()}
        return {**heard, **{command.type: handler for command, handler in self.service.obeys.items()}}

    @cached_property
    def types(self) -> Mapping[str, type[Message]]:
        heard = [message for heard in self.service.hears.values() for message in heard]
        return {message.type: message for message in (*heard, *self.service.obeys)}

    @cached_property
    def topics(self) -> Sequence[str]:
        """The topics that this service consumes: one consumer each, so that events never delay commands."""
        own = [commands_topic(self.service.name)] if self.service.obeys else []
        return own + [events_topic(source) for source in self.service.hears]

    @property
    def tickers(self) -> Sequence[Ticker]:
        return (*CHASSIS_TICKERS, *self.service.tickers)

    def committed(self, *, sent: bool) -> None:
        """Called after every commit: wakes the relay. Tests crash here."""
        if sent:
            self.unsent.set()
        if self.after_commit is not None:
            self.after_commit(self.service.name)

    async def start(self) -> None:
        """Starts relay, consumers and tickers as tasks; the bus and the database must be up."""
        if self.service.open is not None:
            await self.service.open(self)
        loops: list[Coroutine[Any, Any, None]] = [self._relay()]
        loops += [self.bus.consume(topic, self.service.name, partial(self.receive)) for topic in self.topics]
        loops += [self._tick(ticker) for ticker in self.tickers]
        self.tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        if self.service.close is not None:
            await self.service.close(self)

    async def receive(self, records: Sequence[Any]) -> None:
        if self.too_many_parked:
            raise ConnectionError("too many parked keys")
        await receive(self, records)

    async def _relay(self) -> None:
        failures = 0
        while True:
            self.unsent.clear()
            try:
                sent = await publish_pending(self)
                failures = 0
            except Exception as error:
                sent = 0
                if not failures:
                    log.warning("relay.paused", service=self.service.name, error=type(error).__name__)
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
            if not sent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.unsent.wait(), NET)

    async def _tick(self, ticker: Ticker) -> None:
        while True:
            started = time.monotonic()
            try:
                again = await ticker.run(self)
            except Exception as error:
                log.warning("ticker.failed", service=self.service.name, ticker=ticker.name, error=type(error).__name__)
                again = False
            if not again:
                await asyncio.sleep(max(0.0, ticker.seconds - (time.monotonic() - started)))
