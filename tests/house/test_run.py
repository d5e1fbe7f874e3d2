"""What the project promises to whoever runs it: no test is left out in silence, locks are exact, commands explain themselves."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from services.__main__ import app

ROOT = Path(__file__).parent.parent.parent
ON_EVERY_BUS = "test_a_refusal_by_a_rule_is_an_answer_and_leaves_nothing_behind"  # once in process, once on Kafka
LEFT_OUT = "!!! 1 TESTS WERE NOT RUN: NO KAFKA (KAFKA_BOOTSTRAP_SERVERS, Docker, or Java 17 and Maven) !!!"
LOCKED = re.compile(
    r"(?P<name>[a-z0-9._-]+)(\[[a-z0-9,-]+\])?==(?P<version>[^\s;]+)( ; [^\\]+)?( +--hash=sha256:[0-9a-f]{64})+"
)


# -- Kafka ---------------------------------------------------------------------------------------------------------------


def run_without_kafka(empty: Path, workers: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One conformance test where neither Java, Maven nor Docker is found."""
    ours = ("PYTEST_", "KAFKA_", "HOLDFAST_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", workers]
    command += ["tests/conformance/test_commands.py", "-k", ON_EVERY_BUS]
    env |= {"PATH": str(empty), **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.processes
def test_without_kafka_the_last_line_says_so_and_required_it_is_an_error(tmp_path: Path) -> None:
    run = run_without_kafka(tmp_path, workers="0")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert run.stdout.splitlines()[-1] == LEFT_OUT
    required = run_without_kafka(tmp_path, workers="0", HOLDFAST_REQUIRE_KAFKA="1")
    assert required.returncode == 1, required.stdout + required.stderr
    assert re.search(r"1 passed, .*1 error in", required.stdout)
    assert "no Kafka: set KAFKA_BOOTSTRAP_SERVERS" in required.stdout
    assert "NOT RUN" not in required.stdout


@pytest.mark.processes
def test_what_workers_leave_out_stands_in_the_last_line_too(tmp_path: Path) -> None:
    run = run_without_kafka(tmp_path, workers="1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == LEFT_OUT


# -- locks ---------------------------------------------------------------------------------------------------------------


def locked(name: str) -> dict[str, str]:
    """The versions in a lock by package, every line of it having been looked at."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    found: dict[str, str] = {}
    for line in text.replace("\\\n", "").splitlines():
        if line.lstrip().startswith("#"):  # who asks for it
            assert re.fullmatch(r" +#( via)?( +[a-z0-9._-]+( \(pyproject.toml(:[a-z]+)?\))?)?", line), line
            continue
        match = LOCKED.fullmatch(line)
        assert match, f"{name}: {line[:100]}"
        found[canonicalize_name(match["name"])] = match["version"]
    return found


def wanted(project: Mapping[str, Any], *groups: str) -> Iterator[Requirement]:
    for group in groups:
        for entry in project["dependency-groups"][group]:
            if isinstance(entry, str):
                yield Requirement(entry)
            else:
                yield from wanted(project, entry["include-group"])
    yield from map(Requirement, project["project"]["dependencies"])


@pytest.mark.parametrize(("lock", "group"), [("requirements.lock", "build"), ("requirements-dev.lock", "dev")])
def test_locks_are_pinned_hashed_without_addresses_and_cover_pyproject(lock: str, group: str) -> None:
    versions = locked(lock)
    for requirement in wanted(tomllib.loads((ROOT / "pyproject.toml").read_text()), group):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_each_group_has_its_lock_and_what_runs_is_what_was_tested() -> None:
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]) == {"build", "dev"}
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


# -- commands ------------------------------------------------------------------------------------------------------------


def commands(command: Any, *path: str) -> list[tuple[str, ...]]:
    """The words that lead to each command below this one."""
    below = getattr(command, "commands", None)
    return [path] if below is None else [found for name in below for found in commands(below[name], *path, name)]


@pytest.mark.parametrize("command", commands(typer.main.get_command(app)), ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0, result.output
    assert re.search(rf"Example: (\S+=\S+ )*holdfast {' '.join(command)}\b", " ".join(result.output.split()))
