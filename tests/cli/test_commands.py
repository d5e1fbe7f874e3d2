"""Commands run embedded where nothing runs, and call `holdfast up` where it does."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app
from tests.support.processes import Process, answers, free_port

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
DEPARTMENTS = ["departments", str(NORTHWIND / "departments.csv"), "--map", str(NORTHWIND / "departments.toml")]


def holdfast(data: Path, *arguments: str) -> Result:
    result: Result = CliRunner().invoke(app, [*arguments, "--data-dir", str(data)])  # type: ignore[assignment]
    return result


def answer(data: Path, *arguments: str) -> Any:
    result = holdfast(data, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Process]:
    port = free_port()
    command = [sys.executable, "-m", "services", "up", "--port", str(port), "--data-dir", str(tmp_path)]
    process = Process("up", command, os.environ, tmp_path / "up.log")
    process.start()
    try:
        process.wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 60, "holdfast up to serve")
        yield process
    finally:
        process.stop()


def test_what_a_command_did_embedded_the_next_one_finds(tmp_path: Path) -> None:
    assert answer(tmp_path, "import", *DEPARTMENTS)["without_head"] == ["sales"]
    assert answer(tmp_path, "hris", "add", "main")["secret"]
    assert answer(tmp_path, "parked", "list") == {"items": []}
    assert answer(tmp_path, "republish", "staff") == {"service": "staff", "events": 1}


def test_a_refusal_ends_with_status_1_and_says_why(tmp_path: Path) -> None:
    result = holdfast(tmp_path, "parked", "skip", "00000000-0000-0000-0000-000000000000")
    assert result.exit_code == 1
    assert "no such object" in result.stderr


@pytest.mark.processes
def test_a_command_calls_the_system_that_runs_on_its_data_folder(up: Process, tmp_path: Path) -> None:
    assert answer(tmp_path, "import", *DEPARTMENTS)["created"] == 1
    assert answer(tmp_path, "import", *DEPARTMENTS)["unchanged"] == 1
    assert up.alive()


@pytest.mark.processes
def test_up_that_is_told_to_end_stops_its_database_and_takes_its_address_back(up: Process, tmp_path: Path) -> None:
    assert (tmp_path / "address").exists()
    assert up.stop() == 0
    assert not (tmp_path / "address").exists()
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


def test_a_small_company_is_seeded_whole(tmp_path: Path) -> None:
    made = answer(tmp_path, "seed", "--clients", "300", "--employees", "30", "--orders", "1000")["made"]
    assert {part["kind"]: part["refused"] for part in made} == {
        "departments": 0,
        "employees": 0,
        "clients": 0,
        "orders": 0,
        "in all": 0,
    }
    assert answer(tmp_path, "republish", "clients")["events"] > 0
