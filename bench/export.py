"""`GET /export` of a whole register, streamed, at two sizes; clients a second of processor time, and the memory it takes.

The service runs in this process, so its processor time is known; that of the database is of the backend that serves it.
"""

import asyncio
import resource
import time
from typing import Any

import psutil

from bench.company import PROFILES_SQL, fill_company, run_statements
from bench.embedded import open_clients
from bench.figures import FigureRow, create_service_database
from shared.settings import Settings

SMALL, LARGE = 100_000, 1_000_000
PATH = "/clients/v1/export"
GRANT_SQL = """
    INSERT INTO export_grants (grant_id, employee_id, day, reason, granted_by, granted_at)
    SELECT 'g-' || n, 'boss', CAST(now() AT TIME ZONE 'UTC' AS date) + n, 'bench', 'bench', now() FROM generate_series(0, 1) n;
"""


async def stream_export(app: Any, token: str, format: str) -> tuple[int, int, float]:
    """Lines, bytes and the largest part; what is received is thrown away, as by a client that writes to a file."""
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])
    lines = size = largest = 0

    async def receive() -> Any:
        return next(asked, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        nonlocal lines, size, largest
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"the export was refused: {message['status']}")
        body = message.get("body", b"")
        lines, size, largest = lines + body.count(b"\n"), size + len(body), max(largest, len(body))

    scope = {
        "type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "root_path": "", "scheme": "http",
        "query_string": f"format={format}".encode(), "headers": [(b"authorization", f"Bearer {token}".encode())],
        "http_version": "1.1", "server": ("bench", 80), "client": ("bench", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return lines, size, largest


def database_cpu_seconds() -> float:
    """Processor seconds that all backends of the bench's PostgreSQL have used, those that ended included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = used.ru_utime + used.ru_stime
    for process in psutil.process_iter(["name", "cpu_times"]):
        if (process.info["name"] or "").startswith("postgres"):
            total += process.info["cpu_times"].user + process.info["cpu_times"].system
    return total


async def measure_export(clients: int, format: str) -> dict[str, float]:
    url = await create_service_database("clients", f"bench_export_{clients}")
    await fill_company(url, clients)
    await run_statements(url, PROFILES_SQL, GRANT_SQL)
    async with open_clients(url, Settings(export_limit=0)) as (runtime, app):
        await runtime.start()
        token = runtime.keys.issue_token("boss", ["director"], 3600)
        memory = psutil.Process().memory_info().rss
        ours, theirs, begun = time.process_time(), database_cpu_seconds(), time.perf_counter()
        lines, size, largest = await stream_export(app, token, format)
        took = time.perf_counter() - begun
        used = time.process_time() - ours + database_cpu_seconds() - theirs
        grown = psutil.Process().memory_info().rss - memory
    if lines - (format == "csv") != clients:
        raise RuntimeError(f"{lines} lines of {clients} clients")
    return {"seconds": took, "processor": used, "bytes": size, "largest": largest, "memory": grown}


def measure(small: int = SMALL, large: int = LARGE) -> list[FigureRow]:
    rows = []
    at = {clients: asyncio.run(measure_export(clients, "ndjson")) for clients in (small, large)}
    table = asyncio.run(measure_export(small, "csv"))
    for name, clients, found in (("NDJSON", small, at[small]), ("NDJSON", large, at[large]), ("CSV", small, table)):
        rows.append(
            FigureRow(
                figure=f"export of {clients:,} clients, {name}: a second of processor time",
                value=f"{clients / found['processor']:,.0f} clients",
                against="the aim",
                ratio=round(clients / found["processor"] / 50_000, 2),
                aim="≥ 50,000 clients/s per core (ratio ≥ 1)",
                note=f"{clients / found['seconds']:,.0f}/s by the clock; {found['bytes'] / clients:.0f} bytes each; "
                f"memory +{found['memory'] / 1e6:.0f} MB, largest part {found['largest'] / 1e6:.1f} MB",
            )
        )
    return rows
