"""No input that a machine can think of gets a 5xx or an answer outside the schema from any of the four services.

They are not empty: a company is at work in them, and about every second id that is sent is one of theirs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import httpx
import pytest

from shared.auth import Role
from tests.house import company
from tests.support.house import House
from tests.support.long import examples
from tests.support.processes import Process, find_free_port, is_answering, wait_until

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parent.parent.parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES, SECONDS = examples(3, 40), examples(300, 1800)
# Staff comes last: there people are dismissed, and the others need them.
ORDER = ("offboarding", "orders", "clients", "staff")
# What cannot go well here, and why.
IN_VAIN = {
    "POST /staff/v1/hris/webhooks/{source_id}": "nobody hits upon a signature; tests/services/staff/test_webhooks.py signs",
}


@dataclass(frozen=True)
class System:
    url: str
    token: str
    folder: Path

    def documented(self, service: str) -> set[str]:
        """The operations of a service, as schemathesis names them."""
        paths = httpx.get(f"{self.url}/{service}/openapi.json", trust_env=False).json()["paths"]
        return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with House.start(**company.SETTINGS) as house:
        known = await company.build(house)
        with tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True) as folder:
            (Path(folder) / "known.json").write_text(json.dumps(known))
            for system in _serving(Path(folder), house.urls):
                yield system


def _serving(folder: Path, databases: Mapping[str, str]) -> Iterator[System]:
    port = find_free_port()
    settings = {**{f"{name}_database_url": url for name, url in databases.items()}, **company.SETTINGS}
    env = {**os.environ, **{f"HOLDFAST_{name.upper()}": str(value) for name, value in settings.items()}}
    command = [str(BIN / "holdfast"), "up", "--port", str(port), "--data-dir", str(folder)]
    process = Process("up", command, env, folder / "up.log")
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_answering(f"{url}/readyz"), 60, "the system to be ready")
        roles = [part for role in get_args(Role) for part in ("--role", role)]
        command = [str(BIN / "holdfast"), "token", *roles, "--sub", "hanna", "--data-dir", str(folder)]
        yield System(url, subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip(), folder)
    finally:
        process.stop()


@pytest.mark.processes
@pytest.mark.parametrize("service", ORDER)
def test_no_5xx_and_no_answer_outside_the_schema(system: System, service: str, tmp_path: Path) -> None:
    command = [str(BIN / "schemathesis"), "run", f"{system.url}/{service}/openapi.json", "--url", system.url]
    command += ["-H", f"Authorization: Bearer {system.token}", "--checks", CHECKS, "--max-examples", str(EXAMPLES)]
    command += ["--phases", "examples,coverage,fuzzing", "--seed", "7", "--generation-database", "none"]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",  # sets are walked through in the same order, so the same requests are made up
        "SCHEMATHESIS_HOOKS": "tests.house.schemathesis_hooks",
        "HOLDFAST_REAL_IDS": str(system.folder / "known.json"),
        "HOLDFAST_ANSWERS": str(tmp_path / "answers"),
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=SECONDS, env=env)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
    answered = [line.split(" ", 1) for line in (tmp_path / "answers").read_text().splitlines()]
    in_vain = sorted(system.documented(service) - {label for status, label in answered if status.startswith("2")})
    statuses = {label: Counter(status for status, other in answered if other == label) for label in in_vain}
    assert in_vain == [label for label in IN_VAIN if f" /{service}/" in label], statuses
