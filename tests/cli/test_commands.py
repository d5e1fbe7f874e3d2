"""Commands run embedded where nothing runs, and call `holdfast up` where it does."""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app
from shared.contracts.staff import EmployeeHired
from shared.messages import dump_headers, encode_record, get_events_topic
from tests.support.days import now
from tests.support.postgres import get_server
from tests.support.processes import Process, find_free_port, is_answering

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
DEPARTMENTS = ["departments", str(NORTHWIND / "departments.csv"), "--map", str(NORTHWIND / "departments.toml")]


def holdfast(data: Path, *arguments: str) -> Result:
    result: Result = CliRunner().invoke(app, [*arguments, "--data-dir", str(data)])  # type: ignore[assignment]
    return result


def answer(data: Path, *arguments: str) -> Any:
    result = holdfast(data, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@contextmanager
def running(data: Path, **env: str) -> Iterator[Process]:
    port = find_free_port()
    command = [sys.executable, "-m", "services", "up", "--port", str(port), "--data-dir", str(data)]
    unset = {name: value for name, value in os.environ.items() if name != "HOLDFAST_LAST_RESORT"}
    process = Process("up", command, {**unset, **env}, data / f"up-{port}.log")
    process.start()
    try:
        process.wait_until(lambda: is_answering(f"http://127.0.0.1:{port}/readyz"), 60, "holdfast up to serve")
        yield process
    finally:
        process.stop()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Process]:
    with running(tmp_path) as process:
        yield process


@pytest.fixture(scope="module")
def running_data_folder() -> Iterator[Path]:
    """On it runs a system that no test may stop."""
    with tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True) as folder, running(Path(folder)):
        yield Path(folder)


def test_what_a_command_did_embedded_the_next_one_finds(tmp_path: Path) -> None:
    assert answer(tmp_path, "import", *DEPARTMENTS)["without_head"] == ["sales"]
    assert answer(tmp_path, "hris", "add", "main")["secret"]
    again = holdfast(tmp_path, "hris", "add", "main")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "not shown again" in again.stderr
    assert answer(tmp_path, "parked", "list") == {"items": []}
    assert answer(tmp_path, "republish", "staff") == {"service": "staff", "events": 1}


def test_a_refusal_ends_with_status_1_and_says_why(tmp_path: Path) -> None:
    result = holdfast(tmp_path, "parked", "skip", "00000000-0000-0000-0000-000000000000")
    assert result.exit_code == 1
    assert "no such object" in result.stderr


@pytest.mark.processes
def test_a_command_calls_the_system_that_runs_on_its_data_folder(running_data_folder: Path) -> None:
    assert answer(running_data_folder, "import", *DEPARTMENTS)["created"] == 1
    assert answer(running_data_folder, "import", *DEPARTMENTS)["unchanged"] == 1
    assert is_answering(f"{(running_data_folder / 'address').read_text()}/readyz")


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


@pytest.mark.processes
def test_a_port_that_is_taken_is_said_before_anything_is_promised(running_data_folder: Path, tmp_path: Path) -> None:
    taken = (running_data_folder / "address").read_text().rpartition(":")[2]
    for command in ("up", "demo"):
        other = holdfast(tmp_path / command, command, "--port", taken)
        assert (other.exit_code, other.stdout) == (2, "")
        assert f"port {taken} is taken" in other.stderr


@pytest.mark.processes
def test_up_warns_as_long_as_nobody_is_the_last_resort(up: Process, tmp_path: Path) -> None:
    warning = "HOLDFAST_LAST_RESORT is not set"
    assert warning in up.tail()
    up.stop()
    with running(tmp_path, HOLDFAST_LAST_RESORT="hanna") as again:
        assert warning not in again.tail()


@pytest.mark.processes
def test_a_command_calls_the_address_with_the_token_that_it_is_given(running_data_folder: Path, tmp_path: Path) -> None:
    address, elsewhere = (running_data_folder / "address").read_text(), tmp_path / "elsewhere"
    ops, hr = (holdfast(running_data_folder, "token", "--role", role).stdout.strip() for role in ("ops", "hr"))
    assert answer(elsewhere, "republish", "orders", "--url", address, "--token", ops)["events"] == 0
    refused = holdfast(elsewhere, "republish", "staff", "--url", address, "--token", hr)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "does not carry the right to do this. It takes the role ops." in " ".join(refused.stderr.split())
    unknown = holdfast(elsewhere, "republish", "staff", "--url", address, "--token", f"{ops[:-8]}AAAAAAAA")
    assert (unknown.exit_code, "Send a valid token" in unknown.stderr) == (1, True)
    nobody = holdfast(elsewhere, "republish", "staff", "--url", f"http://127.0.0.1:{find_free_port()}", "--token", ops)
    assert (nobody.exit_code, "does not answer" in nobody.stderr) == (1, True)
    neither = [sys.executable, "-m", "services", "republish", "staff", "--url", address, "--data-dir", str(elsewhere)]
    process = Process("republish", neither, os.environ, tmp_path / "republish.log")
    process.start()
    assert process.wait_for_end(60) == 2
    assert "give --token" in process.tail()
    assert not elsewhere.exists()


# -- parked keys -------------------------------------------------------------------------------------------------------


def park(url: str, employee: str, *bodies: bytes | None) -> None:
    """In `clients` messages about this employee wait for a person: these bodies, or that somebody was hired (None)."""
    about = {"employee_id": employee, "employment_id": f"{employee}/1", "functions": {}}
    hired = EmployeeHired.model_validate({**about, "status": "active", "hired_on": "2020-01-01"})
    row = {
        "event_id": uuid.uuid4(),
        "type": hired.type,
        "source": "/holdfast/staff",
        "subject": hired.subject,
        "sequence": 1,
        "time": now(),
        "cause": None,
        "traceparent": None,
        "topic": get_events_topic("staff"),
        "body": hired.model_dump_json(),
    }

    async def write() -> None:
        connection = await asyncpg.connect(url)
        key, record = uuid.uuid4(), encode_record(row)
        await connection.execute(
            """
            INSERT INTO waiting_keys (id, topic, key, attempts, next_try_at, parked_at, type, error)
            VALUES ($1, $2, $3, 5, $5, $5, $4, 'KeyError at hear:1')
            """,
            *(key, record.topic, record.key, hired.type, row["time"]),
        )
        for body in bodies:
            # Each message has an id of its own, as those on a bus have.
            sent = encode_record({**row, "event_id": uuid.uuid4()})
            await connection.execute(
                "INSERT INTO waiting_messages (key_id, headers, body) VALUES ($1, CAST($2 AS jsonb), $3)",
                *(key, dump_headers(sent), body or sent.body),
            )
        await connection.close()

    asyncio.run(write())


@pytest.mark.processes
def test_what_is_parked_in_a_running_system_is_listed_replayed_and_skipped(tmp_path: Path) -> None:
    name = f"up_{uuid.uuid4().hex[:12]}"
    with running(tmp_path, DATABASE_URL=get_server().get_uri(database=name)) as up:
        url = get_server().get_uri(database=f"{name}_clients")
        park(url, "cured", None)  # what was wrong has been mended since
        park(url, "poison", b"not JSON", None)
        address, service = (tmp_path / "address").read_text(), holdfast(tmp_path, "token", "--role", "service")

        def known(employee: str) -> bool:
            answer = httpx.post(
                f"{address}/clients/v1/access/check",
                json={"employee_id": employee, "client_id": "c", "action": "read"},
                headers={"Authorization": f"Bearer {service.stdout.strip()}"},
            )
            return bool(answer.json()["reason"] == "unknown_client")

        listed = {key["key"]: key for key in answer(tmp_path, "parked", "list")["items"]}
        assert {name: (key["service"], key["messages"]) for name, key in listed.items()} == {
            "employee/cured": ("clients", 1),
            "employee/poison": ("clients", 2),
        }
        assert not known("cured")
        assert not known("poison")
        assert holdfast(tmp_path, "parked", "replay", listed["employee/cured"]["id"]).exit_code == 0
        up.wait_until(lambda: known("cured"), 60, "the message that was replayed to take effect")
        assert not known("poison")
        assert holdfast(tmp_path, "parked", "skip", listed["employee/poison"]["id"]).exit_code == 0
        up.wait_until(lambda: known("poison"), 60, "the message behind the one that was skipped to take effect")
        up.wait_until(lambda: not answer(tmp_path, "parked", "list")["items"], 60, "nothing to wait any more")
        again = holdfast(tmp_path, "parked", "skip", listed["employee/poison"]["id"])
        assert (again.exit_code, "no such object" in again.stderr) == (1, True)
        assert "No key waits." in holdfast(tmp_path, "parked", "list").stdout
