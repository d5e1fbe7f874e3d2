"""The system that a command means: at `--url`; else where `holdfast up` runs; else embedded, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import fasteners
import httpx
from joserfc.jwk import OKPKey
from starlette.types import ASGIApp

from services.cli.options import load_settings
from services.cli.output import exit_with_error
from services.cli.server import run_on_server_loop
from services.wiring import NotConfigured, load_or_create_signing_key, open_embedded_system
from shared.auth import Role, TokenKeys, make_token_keys
from shared.outbox.deliveries import is_all_delivered
from shared.service import Runtime
from shared.settings import Settings
from shared.telemetry import configure_logging

TOKEN_TTL = 12 * 3600  # seconds; longer than any command runs
STARTUP_PATIENCE = 15  # seconds that a starting `holdfast up` is waited for

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
            self.tokens[who] = self.keys.issue_token(*who, TOKEN_TTL)
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
            calm = calm + 1 if all([await is_all_delivered(runtime.database) for runtime in self.embedded]) else 0
            await asyncio.sleep(0.03)


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


@contextlib.asynccontextmanager
async def connect_or_start_system(target: Target) -> AsyncIterator[System]:
    """The system a command means. Raises NotConfigured, httpx.TransportError."""
    settings = target.settings
    address = target.url or await _find_running_system(settings)
    if address:
        key = _load_existing_key(settings)
        if target.token is None and key is None:
            raise NotConfigured("give --token, or --data-dir or HOLDFAST_SIGNING_KEY_FILE with the key to sign one")
        network = httpx.AsyncHTTPTransport(retries=2)
        async with httpx.AsyncClient(base_url=address.rstrip("/"), transport=network, timeout=300) as http:
            yield System(http, make_token_keys(settings, key) if key else None, target.token)
        return
    configure_logging(settings.log_level if "log_level" in settings.model_fields_set else "CRITICAL")
    async with open_embedded_system(settings) as embedded:
        transport = httpx.ASGITransport(embedded.front)
        async with httpx.AsyncClient(base_url="http://holdfast", transport=transport) as http:
            replicas = list(embedded.replicas.values())
            system = System(http, replicas[0].keys, target.token, replicas, embedded.front)
            yield system
            await system.settle()


def _load_existing_key(settings: Settings) -> OKPKey | None:
    exists = settings.signing_key_file or (settings.data_dir / "signing-key.pem").exists()
    return load_or_create_signing_key(settings) if exists else None


async def _find_running_system(settings: Settings) -> str | None:
    """The address of `holdfast up` on this data folder, once it answers; none where nobody holds the folder's lock."""
    for _ in range(STARTUP_PATIENCE * 10):
        if not _is_locked(settings.data_dir / "lock"):
            return None
        with contextlib.suppress(FileNotFoundError, httpx.HTTPError):
            address = (settings.data_dir / "address").read_text()
            async with httpx.AsyncClient(timeout=2) as http:
                if address and (await http.get(f"{address}/healthz")).status_code == 200:
                    return address
        await asyncio.sleep(0.1)
    return None  # then starting says that the folder is in use


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    lock = fasteners.InterProcessLock(path)
    if lock.acquire(blocking=False):
        lock.release()
        return False
    lock.lockfile.close()  # it stays open after an attempt in vain
    return True


def make_target(url: str | None = None, token: str | None = None, data_dir: Path | None = None) -> Target:
    return Target(load_settings(data_dir), url, token)


def run_on_system(target: Target, work: Callable[[System], Awaitable[T]]) -> T:
    """Runs a command's work; a refusal or a system that does not answer ends it with a sentence and status 1."""

    async def run() -> T:
        async with connect_or_start_system(target) as system:
            return await work(system)

    try:
        return run_on_server_loop(run())
    except CallRefused as refusal:
        exit_with_error(str(refusal), 1)
    except httpx.UnsupportedProtocol:
        exit_with_error("An address begins with http:// or https://.", 1)
    except httpx.TransportError as error:
        exit_with_error(f"The system does not answer ({type(error).__name__}).", 1)
