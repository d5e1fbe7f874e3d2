"""Starts services in this process on cloned databases, and drives them step by step: no waiting, no background tasks.

`settle()` runs relays, consumers and tickers until none has anything left to do. A house can deliver every message
twice, and can crash after chosen commits: then all connections, tasks and memory are thrown away and the system
starts anew on the same databases, while the test goes on. It knows at each commit what it was `doing`.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

import httpx
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from standardwebhooks import Webhook

from services.wiring import EmbeddedSystem, close_replicas, connect_embedded_services
from shared.bus import DeliveryTableBus
from shared.contracts import MESSAGES
from shared.database import Database, bind_named, open_database
from shared.http.app import create_app
from shared.messages import (
    Command,
    Envelope,
    Event,
    decode_record,
    encode_record,
    get_commands_topic,
    get_events_topic,
    get_record_type,
)
from shared.outbox.deliveries import list_deliveries
from shared.outbox.relay import delete_expired, publish_outbox
from shared.replica import Replica
from shared.settings import SERVICES, Settings
from tests.support import postgres
from tests.support.days import Clock, now, today
from tests.support.postgres import create_database
from tests.support.twice_bus import TwiceBus
from tests.support.watched_connection import make_watched_connection_class

KEY = OKPKey.generate_key("Ed25519")
TYPES = {message.type: message for message in MESSAGES}
ROUNDS = 2_000  # a settle that needs more has a loop in it
WRITES = re.compile(r"\b(INSERT INTO (?!leases)|UPDATE \w+ |DELETE FROM)")  # a lease is taken again when time says so
CRASHES = 500  # of one act that needs more than are between two of them gets nowhere
T = TypeVar("T")


class Crash(BaseException):
    """Not an Exception: nothing in the system may catch it."""


class House:
    """`commits` counts those of all services since the start that wrote anything, `crashed` the crashes after them.

    `down` are services that do nothing at present: they neither send nor receive, and no ticker of theirs runs.
    """

    apps: dict[str, FastAPI] | None = None  # kept from one house to the next by whoever starts many, one at a time

    def __init__(self, names: Sequence[str], urls: Mapping[str, str], settings: Mapping[str, Any], twice: bool) -> None:
        self.names, self.urls, self.twice = names, urls, twice
        here = {"timezone": today().zone, "holidays": today().holidays, "last_resort": None}
        self.settings = Settings(**{**here, **settings})
        self.clock = Clock(self.settings.timezone)
        self.commits = self.crashed = 0
        self.wrote: dict[str, list[str]] = {}  # by service the statements since its last commit
        self.doing: frozenset[str] = frozenset()
        self.crashes: Callable[[int], bool] = lambda commit: False
        self.down: set[str] = set()
        self.embedded: EmbeddedSystem
        self.bus: DeliveryTableBus
        self.http: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *names: str,
        twice: bool = False,
        crashes: Callable[[int], bool] | None = None,
        templates: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> AsyncIterator[Self]:
        """The named services (all four if none is named). `crashes(n)` says whether to crash after the nth commit;
        `settings` are fields of `Settings`; `templates` names databases to start from."""
        names = names or SERVICES
        urls = {name: await create_database(name, (templates or {}).get(name)) for name in names}
        house = cls(names, urls, settings, twice)
        await house.open()
        if crashes is not None:
            house.crashes = crashes
        try:
            yield house
        finally:
            await house.close()
            for url in urls.values():
                await postgres.drop_database(url)

    async def open(self) -> None:
        self.embedded = connect_embedded_services(self.settings, self.urls, KEY, clock=self.clock, make_app=self._app)
        for name, runtime in self.embedded.replicas.items():
            runtime.database = self._database(name)
        await self._open(self.embedded.replicas)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.embedded.front, raise_app_exceptions=False), base_url="http://holdfast"
        )

    def _app(self, runtime: Replica) -> FastAPI:
        if self.apps is None:
            return create_app(runtime)
        name = runtime.service.name
        if name not in self.apps:
            self.apps[name] = create_app(runtime)
        self.apps[name].state.runtime = runtime
        return self.apps[name]

    def _database(self, service: str) -> Database:
        return open_database(self.urls[service], 6, make_watched_connection_class(partial(self._executed, service)))

    async def _open(self, runtimes: Mapping[str, Replica]) -> None:
        self.bus = bus = TwiceBus() if self.twice else DeliveryTableBus()
        for runtime in runtimes.values():
            runtime.bus = bus
            bus.subscribe(runtime)
            if runtime.service.open is not None:
                await runtime.service.open(runtime)
            runtime.after_commit = self._committed

    async def close(self) -> None:
        for runtime in self.embedded.replicas.values():
            runtime.after_commit = None
        await self.http.aclose()
        await close_replicas(self.embedded.replicas.values())

    async def restart(self) -> None:
        """What a kill and a new start leave: the databases. Nothing in memory survives; routes and pools are not
        built anew, for they hold nothing of what was under way."""
        fresh = {}
        for name, old in self.embedded.replicas.items():
            old.after_commit = None
            if old.service.close is not None:
                await old.service.close(old)
            if old.database.pool.get_idle_size() < old.database.pool.get_size():
                await old.database.close()
                old.database = self._database(name)
            memory: dict[str, Any] = {"id": uuid.uuid4(), "state": {}, "unsent": asyncio.Event(), "tasks": []}
            fresh[name] = replace(old, **memory, lease_term=None, lease_until=None, has_too_many_parked=False)
            self.embedded.front.apps[name].state.runtime = fresh[name]
        self.embedded.front.runtimes[:] = fresh.values()
        self.embedded = replace(self.embedded, replicas=fresh)
        await self._open(fresh)

    def _executed(self, service: str, backend: int, statement: str, values: Sequence[Any], rows: int) -> None:
        if rows and WRITES.search(statement):
            self.wrote.setdefault(service, []).append(statement)

    def _committed(self, service: str) -> None:
        if not self.wrote.pop(service, None):
            return  # a crash after a transaction that changed nothing is a crash after the one before it
        self.commits += 1
        if self.crashes(self.commits):
            self.crashed += 1
            raise Crash

    async def surviving(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs `act`, again after each crash, as whoever asks would."""
        for _ in range(CRASHES):
            try:
                return await act()
            except Crash:
                await self.restart()
        raise AssertionError(f"gets nowhere: {CRASHES} crashes in a row")

    # -- asking ----------------------------------------------------------------------------------------------------

    def token(self, role: str | Sequence[str], sub: str | None = None) -> str:
        roles = [role] if isinstance(role, str) else list(role)
        return next(iter(self.embedded.replicas.values())).keys.issue_token(sub or roles[0], roles, 3600)

    async def call(
        self, who: str | tuple[str | Sequence[str], str] | None, method: str, path: str, **request: Any
    ) -> httpx.Response:
        """A request by a role, by `(role or roles, sub)`, or by nobody; after a crash it is repeated with the same key."""
        headers = dict(request.pop("headers", {}))
        if who is not None:
            role, sub = who if isinstance(who, tuple) else (who, None)
            headers["Authorization"] = f"Bearer {self.token(role, sub)}"
        if method == "POST" and not path.startswith("/staff/v1/hris/webhooks/"):
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        self.doing = frozenset({f"{method} {path}"})
        return await self.surviving(lambda: self.http.request(method, path, headers=headers, **request))

    async def ok(self, who: Any, method: str, path: str, **request: Any) -> Any:
        """The body of a request that must succeed."""
        answer = await self.call(who, method, path, **request)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    async def webhook(
        self,
        source: str,
        secret: str,
        type: str,
        data: Mapping[str, Any],
        *,
        timestamp: datetime | None = None,
        id: str | None = None,
        sent_at: datetime | None = None,
    ) -> httpx.Response:
        """A signed webhook of the HRIS (Standard Webhooks), as of now if no `timestamp` is given."""
        body = json.dumps({"type": type, "timestamp": (timestamp or self.clock()).isoformat(), "data": data})
        message, moment = id or f"msg_{uuid.uuid4().hex}", sent_at or now()
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign(message, moment, body),
            "content-type": "application/json",
        }
        return await self.call(None, "POST", f"/staff/v1/hris/webhooks/{source}", content=body, headers=headers)

    # -- messages --------------------------------------------------------------------------------------------------

    async def deliver(self, service: str, message: Event | Command, source: str = "staff", sequence: int = 1) -> None:
        """Delivers a message as if another service had published it."""
        row = {
            "event_id": uuid.uuid4(),
            "type": message.type,
            "source": f"/holdfast/{source}",
            "subject": message.subject,
            "sequence": sequence,
            "time": self.clock(),
            "cause": None,
            "traceparent": None,
            "topic": get_commands_topic(message.receiver) if isinstance(message, Command) else get_events_topic(source),
            "body": message.model_dump_json(),
        }
        self.doing = frozenset({f"receive {message.type}"})
        await self.surviving(lambda: self.runtime(service).receive([encode_record(row)]))

    async def sent(self, service: str, type: str | None = None) -> list[Envelope[Any]]:
        """What the service has sent so far, decoded."""
        rows = await self.rows(service, "SELECT * FROM outbox ORDER BY id")
        envelopes = [decode_record(encode_record({**row, "source": f"/holdfast/{service}"}), TYPES) for row in rows]
        return [envelope for envelope in envelopes if type in (None, envelope.data.type)]

    async def settle(self) -> None:
        """Lets everything happen that is due now."""
        await self.surviving(self._settle)

    async def _settle(self) -> None:
        """Whoever was woken works, until nobody was; then the tickers; at the end everybody looks for what woke nobody.
        Then everything has been taken once, and comes again."""
        for _ in range(ROUNDS):
            worked = await self._round(awake=True) or await self._tick() or await self._round(awake=False)
            if not worked and not await self._again():
                return
        raise AssertionError(f"does not come to rest after {ROUNDS} rounds")

    async def _round(self, awake: bool) -> bool:
        """Every relay and every consumer once, or only those that have been woken."""
        worked = False
        for runtime in self._up():
            if runtime.unsent.is_set() or not awake:
                runtime.unsent.clear()
                self.doing = frozenset({f"relay of {runtime.service.name}"})
                worked |= await publish_outbox(runtime) > 0
            for topic in runtime.topics:
                arrived = self.bus.arrived[topic, runtime.service.name]
                if arrived.is_set() or not awake:
                    arrived.clear()
                    records = await list_deliveries(runtime.database, topic)
                    if records:
                        arrived.set()
                        self.doing = frozenset(f"receive {get_record_type(record)}" for record in records)
                        await runtime.receive(records)
                        worked = True
        return worked

    async def _tick(self) -> bool:
        worked = False
        for runtime in self._up():
            for ticker in runtime.tickers:
                if ticker.run is not delete_expired:
                    self.doing = frozenset({f"ticker {ticker.name} of {runtime.service.name}"})
                    worked |= await ticker.run(runtime)
        return worked

    async def _again(self) -> bool:
        """Delivers the copies, if every message comes twice."""
        bus = self.bus
        return isinstance(bus, TwiceBus) and any([await bus.publish_again(runtime) for runtime in self._up()])

    def _up(self) -> list[Replica]:
        return [runtime for name, runtime in self.embedded.replicas.items() if name not in self.down]

    # -- looking ---------------------------------------------------------------------------------------------------

    def runtime(self, service: str) -> Replica:
        return self.embedded.replicas[service]

    async def rows(self, service: str, sql: str, **named: Any) -> list[dict[str, Any]]:
        async with self.runtime(service).database.connect() as connection:
            return [dict(row) for row in await connection.fetch(*bind_named(sql, **named))]

    async def scalar(self, service: str, sql: str, **named: Any) -> Any:
        rows = await self.rows(service, sql, **named)
        return next(iter(rows[0].values())) if rows else None
