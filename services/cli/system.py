"""The system that a command means: at `--url`; else where `holdfast up` runs; else embedded, in this process."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import fasteners
import httpx
import typer
from joserfc.jwk import OKPKey
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from starlette.types import ASGIApp

from services import wiring
from services.cli.options import load_settings
from services.cli.server import run_on_server_loop
from services.wiring import load_or_make_signing_key, run_embedded_system
from shared.auth import Role, TokenKeys, make_token_keys
from shared.service import Runtime
from shared.settings import Settings
from shared.telemetry import configure_logging

errors = Console(stderr=True)
TOKEN_TTL = 12 * 3600  # seconds; longer than any command runs
STARTUP_PATIENCE = 15  # seconds that a starting `holdfast up` is waited for

SETTLED_SQL = """
    SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM deliveries)
"""

T = TypeVar("T")


class CallRefused(Exception):
    """The system refused a call: `reason` is its word, the message its sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Target:
    """Which system a command means: what `--url`, `--token` and the settings say."""

    settings: Settings
    url: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class System:
    """A system that answers at `http`. `embedded` and `front` are it where it runs in this process."""

    http: httpx.AsyncClient
    keys: TokenKeys | None = None
    given_token: str | None = None
    embedded: Sequence[Runtime] = ()
    front: ASGIApp | None = None
    tokens: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def token(self, roles: Sequence[Role], sub: str | None = None) -> str:
        """The token that was given, else one of the local key in the name of `sub` (or of the first role)."""
        if self.given_token or self.keys is None:
            return self.given_token or ""
        who = sub or roles[0], tuple(roles)
        if who not in self.tokens:
            self.tokens[who] = self.keys.token(*who, TOKEN_TTL)
        return self.tokens[who]

    async def call(
        self,
        method: str,
        path: str,
        *roles: Role,
        sub: str | None = None,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to a call with these roles. Raises CallRefused for 4xx and 5xx, httpx.TransportError."""
        sent = dict(headers or {})
        if roles:
            sent["Authorization"] = f"Bearer {self.token(roles, sub)}"
        answer = await self.http.request(method, path, json=json, content=content, params=params, headers=sent)
        if answer.status_code >= 400:
            raise _read_refusal(answer)
        return answer

    async def settle(self) -> None:
        """Waits until nothing is on its way between embedded services, so that ending leaves nothing half-way."""
        calm = 0
        while self.embedded and calm < 2:  # twice, since a message may pass between two looks
            calm = calm + 1 if all([await _is_settled(runtime) for runtime in self.embedded]) else 0
            await asyncio.sleep(0.03)


async def _is_settled(runtime: Runtime) -> bool:
    async with runtime.database.connect() as connection:
        return bool(await connection.fetchval(SETTLED_SQL))


def _read_refusal(answer: httpx.Response) -> CallRefused:
    try:
        problem = answer.json()
        fields = "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in problem.get("errors", [])
        )
        message = f"{problem['detail']} ({fields})" if fields else str(problem["detail"])
        if roles := problem.get("roles"):
            message += f" It takes the role {' or '.join(roles)}."
        return CallRefused(answer.status_code, str(problem.get("reason", "")), message)
    except (ValueError, KeyError, TypeError, AttributeError):
        return CallRefused(answer.status_code, "", f"The system answered {answer.status_code}.")


@asynccontextmanager
async def open_system(target: Target) -> AsyncIterator[System]:
    """The system a command means. Raises NotConfigured, httpx.TransportError."""
    settings = target.settings
    if target.url:
        key = _load_existing_key(settings)
        if target.token is None and key is None:
            raise wiring.NotConfigured(
                "give --token, or --data-dir or HOLDFAST_SIGNING_KEY_FILE with the key to sign one"
            )
        keys = make_token_keys(settings, key) if key else None
        async with _open_network_client(target.url) as http:
            yield System(http, keys, target.token)
        return
    address = await _find_running_system(settings)
    if address:
        async with _open_network_client(address) as http:
            yield System(http, make_token_keys(settings, load_or_make_signing_key(settings)), target.token)
        return
    configure_logging(settings.log_level if "log_level" in settings.model_fields_set else "CRITICAL")
    async with run_embedded_system(settings) as embedded, _open_embedded_client(embedded.front) as http:
        runtimes = list(embedded.runtimes.values())
        system = System(http, runtimes[0].keys, target.token, runtimes, embedded.front)
        yield system
        await system.settle()


def _load_existing_key(settings: Settings) -> OKPKey | None:
    exists = settings.signing_key_file or (settings.data_dir / "signing-key.pem").exists()
    return load_or_make_signing_key(settings) if exists else None


def _open_network_client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url.rstrip("/"), transport=httpx.AsyncHTTPTransport(retries=2), timeout=300)


def _open_embedded_client(front: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url="http://holdfast", transport=httpx.ASGITransport(front))


async def _find_running_system(settings: Settings) -> str | None:
    """The address of `holdfast up` on this data folder, once it answers; none where nobody holds the folder's lock."""
    for _ in range(STARTUP_PATIENCE * 10):
        if not _is_locked(settings.data_dir / "lock"):
            return None
        address = _read_address(settings.data_dir / "address")
        if address and await _is_answering(address):
            return address
        await asyncio.sleep(0.1)
    return None  # then starting says that the folder is in use


def _read_address(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    lock = fasteners.InterProcessLock(path)
    if lock.acquire(blocking=False):
        lock.release()
        return False
    lock.lockfile.close()  # it stays open after an attempt in vain
    return True


async def _is_answering(address: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2) as http:
            return (await http.get(f"{address}/healthz")).status_code == 200
    except httpx.HTTPError:
        return False


def make_target(url: str | None = None, token: str | None = None, data_dir: Path | None = None) -> Target:
    return Target(load_settings(data_dir), url, token)


def run_command(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work; a refusal or a system that does not answer ends it with a sentence and status 1."""
    try:
        return run_on_server_loop(work)
    except CallRefused as refusal:
        errors.print(str(refusal), style="red", highlight=False)
        raise typer.Exit(1) from None
    except httpx.UnsupportedProtocol:
        errors.print("An address begins with http:// or https://.", style="red")
        raise typer.Exit(1) from None
    except httpx.TransportError as error:
        errors.print(f"The system does not answer ({type(error).__name__}).", style="red", highlight=False)
        raise typer.Exit(1) from None


def make_progress_bars(*, shown: bool = True) -> Progress:
    """Bars on standard error, so that what a command prints can be piped."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=errors,
        disable=not shown,
    )
