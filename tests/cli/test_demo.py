"""`holdfast demo` as whoever tries the project runs it: one command, nothing set up, and it ends."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.processes import Process

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
HOLDFAST = Path(sys.executable).with_name("holdfast")
TOLD = 120.0  # seconds


def demo(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit status and all that was printed. Nobody's settings, and no folder but this one."""
    command = [str(HOLDFAST), "demo", "--exit", "--data-dir", str(folder / "data"), *arguments]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    process = Process("demo", command, env, folder / "demo.log", folder)
    process.start()
    try:
        status = process.wait_for_end(TOLD)
    finally:
        process.stop()
    return status, process.log.read_text()


@pytest.mark.processes
def test_the_demo_tells_a_whole_departure_and_ends(tmp_path: Path) -> None:
    status, story = demo(tmp_path)
    assert status == 0, story
    # In this order: the freeze, the safe hands, the plan, the moves, and the proof of it all.
    said = ("No (frozen)", "Caretaker of all of them", "below the best possible plan", "have moved", "Certificate")
    parts = [story.find(words) for words in said]
    assert -1 not in parts, story
    assert parts == sorted(parts)
    assert not (tmp_path / "data" / "demo" / "postgres" / "postmaster.pid").exists()


@pytest.mark.processes
def test_the_demo_stops_with_status_1_at_a_row_that_is_refused(tmp_path: Path) -> None:
    data = Path(shutil.copytree(NORTHWIND, tmp_path / "northwind"))
    with (data / "employees.csv").open("a", encoding="utf-8") as file:
        file.write("10,,,Sales Representative\n")
    status, story = demo(tmp_path, "--data", str(data))
    assert status == 1, story
    assert "The story stops: 1 employees were refused" in story
    assert "resigns" not in story
