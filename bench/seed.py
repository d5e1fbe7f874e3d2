"""`holdfast seed` at its full size, the whole command, against the minute that it may take."""

import json
import subprocess
import sys
import tempfile
import time

from bench.figures import FigureRow


def measure() -> list[FigureRow]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "services", "seed", "--json", "--data-dir", folder], capture_output=True, check=True
        )
        took = time.perf_counter() - begun
    orders = next(part for part in json.loads(done.stdout)["made"] if part["kind"] == "orders")
    return [
        FigureRow(
            figure="holdfast seed: 100,000 clients, 1,000 employees, 300,000 orders",
            value=f"{took:.0f} s",
            against="60 s",
            ratio=round(took / 60, 2),
            aim="≤ 1",
            note=f"the whole command; orders {orders['rows'] / orders['seconds']:,.0f} /s",
        )
    ]
