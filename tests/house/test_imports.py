"""Who may import whom: the contracts of .importlinter hold, and each catches what it guards against."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

VIOLATIONS = {
    "rules that reach a store": (
        "services/staff/departments/rules.py",
        "import services.staff.departments.store",
        "store",
    ),
    "tables that reach a store": (
        "services/staff/departments/tables.py",
        "import services.staff.departments.store",
        "store",
    ),
    "a store that reaches handlers": (
        "services/orders/flows/store.py",
        "import services.orders.flows.handlers",
        "handlers",
    ),
    "rules that reach handlers": (
        "services/orders/flows/rules.py",
        "import services.orders.flows.handlers",
        "handlers",
    ),
    "handlers that reach a door": ("services/orders/flows/handlers.py", "import services.orders.flows.api", "api"),
    "a store that reaches a door": ("services/orders/flows/store.py", "import services.orders.flows.api", "api"),
    "a subject of staff that reaches one above it": (
        "services/staff/departments/store.py",
        "import services.staff.departures.store",
        "floors-staff",
    ),
    "a subject of clients that reaches one above it": (
        "services/clients/journal/store.py",
        "import services.clients.transfers.rules",
        "floors-clients",
    ),
    "a subject of orders that reaches one above it": (
        "services/orders/flows/store.py",
        "import services.orders.orders.store",
        "floors-orders",
    ),
    "a subject that reaches the manifest": (
        "services/staff/policies/handlers.py",
        "import services.staff.manifest",
        "floors-staff",
    ),
    "what opens work that reaches what people do with it": (
        "services/offboarding/tasks/lifecycle.py",
        "import services.offboarding.cases.runner",
        "floors-offboarding",
    ),
    "a saga that reaches a store": (
        "services/offboarding/saga.py",
        "import services.offboarding.cases.store",
        "floors-offboarding",
    ),
    "a saga that reaches the planner": (
        "services/offboarding/saga.py",
        "import services.offboarding.planner",
        "floors-offboarding",
    ),
    "a planner that reaches handlers": (
        "services/offboarding/planner/planted.py",
        "import services.offboarding.plans.handlers",
        "floors-offboarding",
    ),
    "a file of a new kind": ("services/clients/planted.py", "", "floors-clients"),
    "a service that imports another": (
        "services/orders/flows/store.py",
        "import services.clients.names",
        "independence",
    ),
    "a chassis that knows a service": ("shared/planted.py", "import services.staff.departments", "chassis"),
    "rules with a database": ("services/orders/flows/rules.py", "import sqlalchemy", "pure"),
    "rules that know the tables": ("services/orders/flows/rules.py", "import services.orders.flows.tables", "pure"),
    "a saga that calls other services": ("services/offboarding/saga.py", "import httpx", "pure"),
    "a planner that knows the outbox": ("services/offboarding/planner/planted.py", "import shared.outbox", "pure"),
    "contracts with a clock of the database": ("shared/contracts/planted.py", "import shared.database", "pure"),
    "a second user of the Kafka client": ("shared/planted.py", "import aiokafka", "kafka-client"),
    "a service that knows Kafka": ("services/staff/policies/handlers.py", "import shared.kafka", "kafka"),
    "a chassis that knows Kafka": ("shared/service.py", "import shared.kafka", "kafka"),
    "a command that knows Kafka": ("services/cli/startup.py", "import shared.kafka", "kafka"),
    "a command line that knows Kafka": ("services/__main__.py", "from shared.kafka import KafkaBus", "kafka"),
    "a service that knows what runs": ("services/staff/policies/handlers.py", "import shared.replica", "replica"),
    "a service that knows the wiring": ("services/staff/policies/api.py", "import services.wiring", "outside"),
}


def contracts() -> dict[str, str]:
    """The names in .importlinter, by what they are called there."""
    rules = ConfigParser()
    rules.read(ROOT / ".importlinter")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): rules[name]["name"] for name in rules.sections() if name.startswith(prefix)}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("shared", "services"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_the_rules_hold() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout


def test_for_each_rule_a_violation_is_planted() -> None:
    assert {contract for _, _, contract in VIOLATIONS.values()} == set(contracts())


def plants() -> list[Any]:
    """Of each contract the first violation; the others are long."""
    first = {contract: name for name, (_, _, contract) in reversed(VIOLATIONS.items())}
    return [name if name in first.values() else pytest.param(name, marks=pytest.mark.long) for name in VIOLATIONS]


@pytest.mark.parametrize("violation", plants(), ids=lambda name: name.replace(" ", "-"))
def test_a_planted_violation_breaks_the_rule_against_it(copy: Path, violation: str) -> None:
    path, line, contract = VIOLATIONS[violation]
    target = copy / path
    if not target.parent.is_dir():  # that part is one file in this service
        target = target.parent.with_suffix(".py")
    target.write_text((target.read_text() if target.exists() else "") + f"\n{line}\n")
    outcome = lint(copy)
    assert outcome.returncode == 1, outcome.stderr
    assert f"{contracts()[contract]} BROKEN" in " ".join(outcome.stdout.split()), outcome.stdout
