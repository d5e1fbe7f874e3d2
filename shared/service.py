"""What a service is (`Service`, pure data), and what it works with while it runs (`Runtime`)."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx
from asyncpg import Connection
from fastapi import APIRouter
from sqlalchemy import MetaData

from shared.auth import TokenKeys
from shared.bus import Bus
from shared.clock import Clock, read_clock
from shared.database import Database, UnitOfWork, retry_conflicts
from shared.errors import JournaledRefusal
from shared.messages import Command, Event, Message, get_commands_topic, get_events_topic
from shared.outbox.tables import insert_outbox
from shared.settings import Settings
from shared.telemetry import DEFAULT_METRICS, Metrics

P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[UnitOfWork, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Ticker:
    """Runs every `seconds`, at once again while it returns True (there was work and there may be more)."""

    name: str
    seconds: float
    run: Callable[["Runtime"], Awaitable[bool]]


@dataclass(frozen=True)
class Service:
    """What may be connected: doors, the events that it subscribes to by their sender, what it obeys, its tables and its tickers.

    A handler is `async (work, envelope) -> None`; one of a command may return a `Result` per item.
    What it `retains` is never deleted from the outbox, so that `republish` can send the very same event again.
    `are_roles_frozen(connection, sub)` is asked at every door about the caller. `open(runtime)` and its counterpart `close`
    hold what lives as long as a replica does.
    """

    name: str
    summary: str
    routers: tuple[APIRouter, ...]
    metadata: MetaData
    publishes: tuple[type[Event], ...]
    subscribes: Mapping[str, Mapping[type[Event], Handler]]
    obeys: Mapping[type[Command], Handler]
    are_roles_frozen: Callable[[Connection, str], Awaitable[bool]]
    republish: Callable[["Runtime"], Awaitable[int]]
    retains: tuple[type[Event], ...] = ()
    tickers: tuple[Ticker, ...] = ()
    open: Callable[["Runtime"], Awaitable[None]] | None = None
    close: Callable[["Runtime"], Awaitable[None]] | None = None


@dataclass
class Runtime:
    """What one replica of a service works with. `is_only_replica`: no other replica can exist (the embedded mode)."""

    service: Service
    settings: Settings
    database: Database
    bus: Bus
    keys: TokenKeys
    http_client: httpx.AsyncClient
    clock: Clock = read_clock
    wall_clock: Clock = read_clock
    is_only_replica: bool = False
    metrics: Metrics = DEFAULT_METRICS
    after_commit: Callable[[str], None] | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    lease_term: int | None = None
    lease_until: datetime | None = None
    has_too_many_parked: bool = False
    state: dict[str, Any] = field(default_factory=dict)
    unsent: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.service.name

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        heard = {
            message.type: handler for heard in self.service.subscribes.values() for message, handler in heard.items()
        }
        return {**heard, **{command.type: handler for command, handler in self.service.obeys.items()}}

    @cached_property
    def types(self) -> Mapping[str, type[Message]]:
        heard = [message for heard in self.service.subscribes.values() for message in heard]
        return {message.type: message for message in (*heard, *self.service.obeys)}

    @cached_property
    def topics(self) -> Sequence[str]:
        """The topics that this service consumes: one consumer each, so that events never delay commands."""
        own = [get_commands_topic(self.name)] if self.service.obeys else []
        return own + [get_events_topic(source) for source in self.service.subscribes]

    def on_commit(self, *, sent: bool) -> None:
        """Called after every commit: wakes the relay. Tests crash here."""
        if sent:
            self.unsent.set()
        if self.after_commit is not None:
            self.after_commit(self.name)

    def make_work(
        self, connection: Connection, actor: str, traceparent: str | None = None, system: str | None = None
    ) -> UnitOfWork:
        """What a handler or a reader works with in a transaction of this connection."""
        now = self.clock()
        return UnitOfWork(connection, self.settings, self.name, now, actor, traceparent=traceparent, system=system)

    @asynccontextmanager
    async def unit_of_work(
        self, actor: str | None = None, traceparent: str | None = None, system: str | None = None
    ) -> AsyncIterator[UnitOfWork]:
        """A transaction that commits when the block ends well, or with a `JournaledRefusal`, and rolls back otherwise.

        Without an `actor` it is on behalf of the service itself.
        """
        refused: JournaledRefusal | None = None
        async with self.database.connect() as connection, connection.transaction():
            work = self.make_work(connection, actor or self.name, traceparent, system)
            try:
                yield work
            except JournaledRefusal as refusal:
                refused = refusal
            await insert_outbox(work)
        self.on_commit(sent=bool(work.outgoing))
        if refused is not None:
            raise refused.refusal

    async def transact(
        self, handler: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `handler(work, ...)` in a unit of work on behalf of the service itself, again after a deadlock."""
        return await self.transact_as(self.name, handler, *args, **kwargs)

    async def transact_as(
        self, actor: str, handler: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same on behalf of `actor`."""

        async def act() -> T:
            async with self.unit_of_work(actor) as work:
                return await handler(work, *args, **kwargs)

        return await retry_conflicts(act)
