"""deploy/ is proven without a Docker engine: by the Compose Specification's schema, and by running what it names."""

from __future__ import annotations

import graphlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

from shared.settings import SERVICES, Settings
from tests.support import compose, kafka
from tests.support.compose import (
    DEPLOY,
    REPOSITORY,
    LocalPlaces,
    compute_health_deadline,
    list_dependencies,
    order_by_dependency,
    read_compose_file,
    read_environment,
    read_kafka_settings,
)
from tests.support.days import now
from tests.support.deployment import Deployment, make_watch_environment, run_deployment
from tests.support.image import Image, build_image, list_pip_commands, read_instructions, read_lock
from tests.support.processes import wait_until

OURS = (*SERVICES, "migrate", "demo")
ONE_SHOT = ("migrate", "demo")
# Containers whose file system is not read-only, and why.
WRITABLE = {
    "kafka": "at every start its image writes the broker's settings among its own files, into /opt/kafka/config"
}


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    return read_compose_file()


# --- the files ---


def test_compose_file_obeys_the_compose_specification(file: dict[str, Any]) -> None:
    schema = json.loads((compose.REPOSITORY / "tests" / "support" / "compose-spec.json").read_text())
    check = jsonschema.Draft202012Validator(schema)
    check.validate(file)
    check.validate(yaml.safe_load(compose.COMPOSE_FILE.read_text()))

    planted = {**file, "services": {**file["services"], "staff": {**file["services"]["staff"], "imagine": "x"}}}
    assert not check.is_valid(planted)


def test_every_variable_is_explained_in_env_example_and_no_other(file: dict[str, Any]) -> None:
    text = compose.COMPOSE_FILE.read_text()
    filled_in = set(re.findall(r"\$\{(\w+)", text))
    environments = [service.get("environment", {}) for service in file["services"].values()]
    passed_on = {name for given in environments for name, value in given.items() if value is None}
    explained = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert explained == filled_in | passed_on


def test_defaults_in_env_example_are_the_real_ones() -> None:
    stated = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    compose_defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", compose.COMPOSE_FILE.read_text()))
    assert {name: stated[name] for name in compose_defaults} == compose_defaults

    defaults = {_variable(name): one.default for name, one in Settings.model_fields.items()}
    for name in stated.keys() - compose_defaults.keys() & defaults.keys():
        default = defaults[name]
        as_text = json.dumps(default) if isinstance(default, list | bool) else "" if default is None else str(default)
        assert stated[name] == as_text, name


def test_every_setting_of_a_service_can_be_set(file: dict[str, Any]) -> None:
    # One process with everything has these; or the gateway and the secrets stand for them.
    not_here = {"HOLDFAST_DATA_DIR", "HOLDFAST_PORT", "DATABASE_URL"}
    not_here |= {f"HOLDFAST_{service.upper()}_{what}" for service in SERVICES for what in ("URL", "DATABASE_URL")}
    not_here |= {f"HOLDFAST_{service.upper()}_DATABASE_URL_FILE" for service in SERVICES}
    wanted = {_variable(name) for name in Settings.model_fields} - not_here
    for service in SERVICES:
        assert wanted <= file["services"][service]["environment"].keys()


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return f"HOLDFAST_{name.upper()}" if alias is None else str(alias.choices[0])  # type: ignore[union-attr]


def test_containers_may_do_no_more_than_they_must(file: dict[str, Any]) -> None:
    for name, service in file["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "container_name" not in service, f"{name} could not have replicas"
        assert ("healthcheck" in service) != (name in ONE_SHOT), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name
        assert ":" in service["image"], f"{name} runs whatever is newest"
        assert not service["image"].endswith(":latest"), name
        assert name in ("gateway", "grafana") or "ports" not in service, name
        assert ("read_only" not in service) == (name in WRITABLE), name
        assert service.get("read_only", True) is True, name
    for name in OURS:
        assert "cap_add" not in file["services"][name]


def test_ours_and_the_gateway_run_as_somebody_who_is_not_root(file: dict[str, Any]) -> None:
    built_for = [rest for word, rest in read_instructions() if word == "USER"][-1]
    for name in (*OURS, "gateway"):
        # By number: what only knows numbers, as Kubernetes does, can tell too.
        assert int(file["services"][name].get("user", built_for).split(":")[0]) > 0, name


def test_every_dependency_waits_for_health_or_a_good_end(file: dict[str, Any]) -> None:
    services = file["services"]
    for service in services.values():
        for other, condition in list_dependencies(service).items():
            ends = other in ONE_SHOT
            assert condition == ("service_completed_successfully" if ends else "service_healthy")
    order = order_by_dependency(services)
    assert order.index("postgres") < order.index("migrate") < order.index("staff") < order.index("gateway")
    with pytest.raises(graphlib.CycleError):
        order_by_dependency({**services, "postgres": {"depends_on": {"gateway": {"condition": "service_healthy"}}}})


def test_mounted_files_and_secrets_exist_and_are_declared(file: dict[str, Any]) -> None:
    for service in file["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in file["volumes"]
        named = set(service.get("secrets", []))
        assert named <= file["secrets"].keys()
        paths = {str(v) for v in service.get("environment", {}).values() if str(v).startswith("/run/secrets/")}
        assert paths == {f"/run/secrets/{name}" for name in named}


@pytest.fixture(scope="module")
def built() -> Iterator[Image]:
    with tempfile.TemporaryDirectory(prefix="holdfast-image-") as folder:
        yield build_image(Path(folder) / "image")


def test_packages_of_the_image_come_from_the_lock_by_hash_and_from_nowhere_else() -> None:
    # Literally: pip refuses anything beside the lock only when it downloads, which a test should not wait for.
    assert list_pip_commands() == [
        "pip install --require-hashes --only-binary :all: --requirement requirements.lock",
        "pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels .",
        "pip install --no-deps --no-index /wheels/holdfast-*.whl",
    ]
    lock = read_lock(REPOSITORY / "requirements.lock")
    assert len(lock) > 50
    for name, entry in lock.items():
        assert re.match(r"==[\w.]+\s", entry), name
        assert "--hash=sha256:" in entry, name


def test_every_pip_line_of_the_dockerfile_works_and_the_wheel_runs_alone(built: Image) -> None:
    for command in ("holdfast", "python -m services"):
        program, *arguments = command.split()
        assert f"Usage: {command}" in _output(built, [built.program(program), *arguments, "--help"])

    program = "import shared, services; print(services.__path__[0]); print(shared.__path__[0])"
    for where in _output(built, [built.program("python"), "-c", program]).splitlines():
        part = Path(where)
        assert part.is_relative_to(built.root)
        assert _files(part) == _files(REPOSITORY / part.name)


def test_image_holds_the_data_of_the_demo_and_no_more_than_it_needs(built: Image, file: dict[str, Any]) -> None:
    command = file["services"]["demo"]["command"]
    data = Path(built.here(command[command.index("--data") + 1]))
    assert _files(data) == _files(REPOSITORY / "examples" / "northwind")
    assert {path.name for path in built.root.iterdir()} == {"opt", "srv"}
    assert sum(word == "FROM" for word, _ in read_instructions()) == 2


def _files(folder: Path) -> set[Path]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in found if "__pycache__" not in path.parts}


def _output(built: Image, command: list[str]) -> str:
    done = subprocess.run(command, env=built.env, cwd=built.workdir, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kafka_is_set_up_as_the_one_in_tests(file: dict[str, Any]) -> None:
    settings = read_kafka_settings(read_environment(file["services"]["kafka"]["environment"]))
    assert kafka.SETTINGS.items() <= settings.items()


def test_alerts_and_dashboard_speak_of_metrics_that_exist(file: dict[str, Any]) -> None:
    from prometheus_client import CollectorRegistry

    from shared.telemetry import make_metrics

    registry = CollectorRegistry()
    make_metrics(registry)
    families = {family.name: family.type for family in registry.collect()}
    known = {"up"}
    for name, kind in families.items():
        known |= {"counter": {f"{name}_total"}, "histogram": {f"{name}_bucket", f"{name}_count"}}.get(kind, {name})

    rules = yaml.safe_load((DEPLOY / "observability" / "alerts.yml").read_text())["groups"]
    dashboard = json.loads((DEPLOY / "observability" / "grafana" / "dashboards" / "holdfast.json").read_text())
    asked = [rule["expr"] for group in rules for rule in group["rules"]]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in asked for name in re.findall(r"\b(?:holdfast_\w+|up)\b", expression)}
    assert named <= known

    scraped = yaml.safe_load((DEPLOY / "observability" / "prometheus.yml").read_text())["scrape_configs"]
    assert set(scraped[0]["dns_sd_configs"][0]["names"]) == set(SERVICES) <= file["services"].keys()


# --- from containers to processes ---


def test_addresses_become_loopback_ports_the_same_everywhere() -> None:
    places = LocalPlaces(replicas={"clients": 2})
    names = ["staff", "clients", "gateway", "postgres"]
    gateway, staff = places.port("gateway", 8000), places.port("staff", 8000)
    assert places.text("http://gateway:8000", "staff", names) == f"http://127.0.0.1:{gateway}"
    assert places.text("urlopen('http://127.0.0.1:8000/readyz')", "staff", names) == (
        f"urlopen('http://127.0.0.1:{staff}/readyz')"
    )
    database = places.text("postgresql://holdfast:word@postgres:5432/staff", "migrate", names)
    assert database == f"postgresql://holdfast:word@127.0.0.1:{places.port('postgres', 5432)}/staff"
    assert len({*places.addresses("clients", 8000)}) == 2
    assert places.text("other-staff:8000 staff.example:8000", "x", names) == "other-staff:8000 staff.example:8000"


def test_commands_keep_all_but_programs_ports_and_paths(file: dict[str, Any]) -> None:
    places = LocalPlaces(replicas={"clients": 2}, programs={"holdfast": ("/opt/holdfast/bin/holdfast",)})
    command = places.command(file["services"]["clients"]["command"], "clients", SERVICES, replica=1)
    assert command == [
        *("/opt/holdfast/bin/holdfast", "serve", "clients", "--host", "127.0.0.1"),
        *("--port", str(places.port("clients", 8000, 1))),
    ]


def test_a_container_has_as_long_to_become_healthy_as_its_check_says() -> None:
    assert compute_health_deadline({"start_period": "1m", "interval": "5s", "retries": 6}) == 90
    assert compute_health_deadline({"interval": "10s", "retries": 3}) == 30


def test_variables_are_filled_in_passed_on_or_left_out() -> None:
    secrets = read_compose_file({"HOLDFAST_SECRETS": "/elsewhere"})["secrets"]
    assert secrets["signing_key"]["file"] == "/elsewhere/signing_key"
    assert read_compose_file()["secrets"]["signing_key"]["file"] == "./secrets/signing_key"
    given = {"HOLDFAST_CURRENCY": None, "HOLDFAST_HOLIDAYS": None, "HOLDFAST_URL": "http://gateway:8000"}
    assert read_environment(given, {"HOLDFAST_CURRENCY": "CHF"}) == {
        "HOLDFAST_CURRENCY": "CHF",
        "HOLDFAST_URL": "http://gateway:8000",
    }


# --- all of it, running ---


@pytest.fixture(scope="module")
def deployment(built: Image) -> Iterator[Deployment]:
    with run_deployment(replicas={"clients": 2}, built=built) as running:
        yield running


@pytest.mark.kafka(private=True)
@pytest.mark.processes
def test_everything_the_compose_file_names_becomes_healthy_and_answers_through_the_gateway(
    deployment: Deployment,
) -> None:
    assert httpx.get(f"{deployment.url}/readyz", trust_env=False).status_code == 200
    for service in SERVICES:
        assert httpx.get(f"{deployment.url}/{service}/readyz", trust_env=False).status_code == 200
    unknown = httpx.get(f"{deployment.url}/elsewhere", trust_env=False)
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.json()["status"] == 404


@pytest.mark.kafka(private=True)
@pytest.mark.processes
def test_a_new_employee_becomes_known_to_clients_over_kafka(deployment: Deployment) -> None:
    hired = _call(deployment, "staff/v1/employees", "hr", _employee("e-1"))
    assert hired.status_code == 201, hired.text

    def registered() -> bool:
        client = {"id": "c-1", "name": "Alfreds Futterkiste", "owner_id": "e-1", "contacts": []}
        return _call(deployment, "clients/v1/clients", "service", client).status_code == 201

    wait_until(registered, 30, "clients has heard of the new employee")


@pytest.mark.kafka(private=True)
@pytest.mark.processes
def test_the_gateway_passes_over_a_replica_that_was_killed(deployment: Deployment) -> None:
    deployment.process("clients", 1).kill()
    for _ in range(20):
        assert httpx.get(f"{deployment.url}/clients/readyz", trust_env=False).status_code == 200
    deployment.process("clients", 1).start()
    deployment.await_healthy()


@pytest.fixture(scope="module")
def story(deployment: Deployment) -> str:
    """What the demo has printed; it is a whole departure, so that after it every service has worked."""
    assert deployment.run("demo") == 0, deployment.process("demo").tail()
    return deployment.process("demo").log.read_text()


@pytest.mark.kafka(private=True)
@pytest.mark.processes
def test_the_demo_of_the_compose_file_tells_its_story_through_the_gateway(story: str) -> None:
    said = ("No (frozen)", "Caretaker of all of them", "below the best possible plan", "have moved", "Certificate")
    for words in said:
        assert words in story


@pytest.mark.kafka(private=True)
@pytest.mark.processes
def test_services_write_nothing_outside_their_tmpfs_while_they_work(deployment: Deployment, story: str) -> None:
    assert "The whole story took" in story
    assert {name for name, _ in deployment.processes} == {*OURS, "gateway"}
    for name, replica in deployment.processes:
        assert deployment.written(name, replica) == [], name


def test_a_write_elsewhere_than_where_a_service_may_is_noted(tmp_path: Path) -> None:
    temporary, notes = tmp_path / "tmp", tmp_path / "notes"
    temporary.mkdir()
    program = (
        "import os, tempfile\n"
        "open('a', 'w').close(); open('a').read(); os.mkdir('b'); os.rename('a', 'c'); os.remove('c')\n"
        "open('/dev/null', 'w').close(); tempfile.TemporaryFile().close()\n"
    )
    env = {**make_watch_environment(notes, [temporary]), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program], env=env, cwd=tmp_path, timeout=60, check=True)
    here = tmp_path.resolve()
    changes = [("open", "a"), ("os.mkdir", "b"), ("os.rename", "a"), ("os.rename", "c"), ("os.remove", "c")]
    assert notes.read_text().splitlines() == [f"{event} {here / name}" for event, name in changes]


def _employee(employee_id: str) -> dict[str, Any]:
    hired_on = (now() - timedelta(days=400)).date().isoformat()
    return {
        "id": employee_id,
        "name": "Nancy Davolio",
        "email": "nancy@northwind.example",
        "functions": {"sales": 40},
        "regions": [],
        "languages": [],
        "hired_on": hired_on,
    }


def _call(deployment: Deployment, path: str, role: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {deployment.token(role)}"}
    return httpx.post(f"{deployment.url}/{path}", json=body, headers=headers, timeout=30, trust_env=False)
