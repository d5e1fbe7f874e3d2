"""No input that a machine can think of gets a 5xx or an answer outside the schema from any of the four services."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import SERVICES
from tests.support.processes import Process, answers, free_port, wait_until

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parent.parent.parent
ROLES = ["hr", "director", "ops", "service", "auditor", "employee"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = os.environ.get("HOLDFAST_SCHEMATHESIS_EXAMPLES", "8")


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True) as folder:
        yield from _serving(Path(folder), free_port())


def _serving(folder: Path, port: int) -> Iterator[tuple[str, str]]:
    command = [str(BIN / "holdfast"), "up", "--port", str(port), "--data-dir", str(folder)]
    system = Process("up", command, dict(os.environ), folder / "up.log")
    system.start()
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/readyz"), 60, "the system to be ready")
        roles = [part for role in ROLES for part in ("--role", role)]
        command = [str(BIN / "holdfast"), "token", *roles, "--sub", "machine", "--data-dir", str(folder)]
        yield url, subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    finally:
        system.stop()


@pytest.mark.processes
@pytest.mark.parametrize("service", SERVICES)
def test_no_5xx_and_no_answer_outside_the_schema(address: tuple[str, str], service: str, tmp_path: Path) -> None:
    url, token = address
    command = [
        str(BIN / "schemathesis"),
        "run",
        f"{url}/{service}/openapi.json",
        "--url",
        url,
        "-H",
        f"Authorization: Bearer {token}",
        "--checks",
        CHECKS,
        "--max-examples",
        EXAMPLES,
        "--phases",
        "examples,coverage,fuzzing",
        "--seed",
        "7",
        "--generation-database",
        "none",
    ]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.support.ndjson_hook", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300, env=env)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
