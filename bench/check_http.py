"""`POST /access/check` over HTTP, journaled, against a handler written by hand that only reads; both by wrk, in turn.

Each server is a process of its own with one worker, served as `holdfast serve` serves. As processes:
`python -m bench.check_http holdfast|peer|echo DATABASE_URL PORT KEY_FILE`. The echo is bare FastAPI that answers the
same body: what HTTP alone costs.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp

from bench.company import fill_company
from bench.figures import FigureRow, create_service_database
from services.cli.server import run_on_server_loop, serve_app
from services.wiring import connect_embedded_services
from shared.auth import create_key_file, make_token_keys, read_key_file
from shared.settings import Settings
from tests.support.processes import Process, find_free_port, is_listening

CLIENTS = 100_000
CONNECTIONS, ROUNDS, SECONDS = 64, 5, 6
PATH = "/clients/v1/access/check"
PEER_SQL = """
    SELECT c.owner_id, o.stand_in_id, p.frozen FROM clients c JOIN people o ON o.employee_id = c.owner_id
    JOIN people p ON p.employee_id = $2 WHERE c.client_id = $1
"""
# A third each: the owner, the team, somebody without a relation.
WRK_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(token)s"
math.randomseed(7)
local places, turn = {0, 7, 500}, 0
request = function()
    local client = math.random(0, %(clients)d - 1)
    turn = turn %% 3 + 1
    return wrk.format(nil, nil, nil, string.format(
        '{"employee_id":"e-%%d","client_id":"c-%%d","action":"read"}', (client + places[turn]) %% 1000, client))
end
"""


class WrkMissing(Exception):
    """This figure needs wrk: `apt-get install wrk` (Debian, Ubuntu) or `brew install wrk`."""


# -- servers -----------------------------------------------------------------------------------------------------------


async def serve_holdfast(url: str, port: int, key_file: str) -> None:
    """One replica of `clients`, all its tickers and consumers included; the bus is the only part that is not Kafka."""
    embedded = connect_embedded_services(Settings(), {"clients": url}, read_key_file(Path(key_file)))
    runtime = embedded.replicas["clients"]
    await runtime.start()
    await serve_app(embedded.front.apps["clients"], "127.0.0.1", port)


class CheckBody(BaseModel):
    employee_id: str
    client_id: str
    action: str


async def serve_peer(url: str, port: int, key_file: str) -> None:
    app, pool = FastAPI(), await asyncpg.create_pool(url, min_size=10, max_size=10)

    @app.post(PATH)
    async def check(question: CheckBody) -> dict[str, Any]:
        async with pool.acquire() as connection:
            row = await connection.fetchrow(PEER_SQL, question.client_id, question.employee_id)
        allowed = (
            row is not None and not row["frozen"] and question.employee_id == (row["stand_in_id"] or row["owner_id"])
        )
        return {
            "allowed": allowed,
            "reason": "owner" if allowed else "no_relation",
            "decision_id": uuid.uuid4(),
            "decided_at": datetime.now(UTC),
        }

    served: ASGIApp = app
    await serve_app(served, "127.0.0.1", port)


async def serve_echo(url: str, port: int, key_file: str) -> None:
    app = FastAPI()

    @app.post(PATH)
    async def check(question: CheckBody) -> CheckBody:
        return question

    served: ASGIApp = app
    await serve_app(served, "127.0.0.1", port)


@contextmanager
def run_server(what: str, url: str, key_file: Path) -> Iterator[str]:
    """Its address while it runs."""
    port = find_free_port()
    command = [sys.executable, "-m", "bench.check_http", what, url, str(port), str(key_file)]
    process = Process(what, command, dict(os.environ), key_file.with_name(f"{what}.log"))
    process.start()
    try:
        process.wait_until(lambda: is_listening("127.0.0.1", port), 60, "listens")
        yield f"http://127.0.0.1:{port}{PATH}"
    finally:
        process.stop()


SERVERS = {"holdfast": serve_holdfast, "peer": serve_peer, "echo": serve_echo}

# -- measuring ---------------------------------------------------------------------------------------------------------


def measure_request_rate(script: Path, address: str, seconds: float) -> float:
    """By wrk. Raises `RuntimeError` if anything but an answer in the 200s came."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(script), address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"wrk was refused\n{told}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]


def measure() -> list[FigureRow]:
    if shutil.which("wrk") is None:
        raise SystemExit(WrkMissing.__doc__)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        return measure_servers(Path(folder))


def measure_servers(folder: Path) -> list[FigureRow]:
    key = create_key_file(folder / "key.pem")
    url = asyncio.run(create_service_database("clients", "bench_check_http"))
    asyncio.run(fill_company(url, CLIENTS))
    token = make_token_keys(Settings(), key).issue_token("telephony", ["service"], 3600)
    script = folder / "check.lua"
    script.write_text(WRK_SCRIPT % {"token": token, "clients": CLIENTS})
    rates: dict[str, list[float]] = {name: [] for name in SERVERS}
    with ExitStack() as running:
        at = {name: running.enter_context(run_server(name, url, folder / "key.pem")) for name in SERVERS}
        for address in at.values():
            measure_request_rate(script, address, 2)
        for _ in range(ROUNDS):
            for name, address in at.items():
                rates[name].append(measure_request_rate(script, address, SECONDS))
    return [
        compare_rates(rates, "peer", "FastAPI + asyncpg by hand, only reading", "≥ 1.1"),
        compare_rates(rates, "echo", "bare FastAPI echo of the same body", "none set"),
    ]


def compare_rates(rates: Mapping[str, Sequence[float]], other: str, words: str, aim: str) -> FigureRow:
    ours, theirs = median(rates["holdfast"]), median(rates[other])
    return FigureRow(
        figure=f"POST /access/check, 1 worker, {CONNECTIONS} connections, journaled",
        value=f"{ours:,.0f} requests/s",
        against=f"{words}: {theirs:,.0f} requests/s",
        ratio=round(ours / theirs, 2),
        aim=aim,
        note="median of {} rounds of {} s; ours {}, theirs {}".format(
            ROUNDS, SECONDS, *(f"{min(of):,.0f} to {max(of):,.0f}" for of in (rates["holdfast"], rates[other]))
        ),
    )


if __name__ == "__main__":
    what, url, port, key_file = sys.argv[1:]
    run_on_server_loop(SERVERS[what](url, int(port), key_file))
