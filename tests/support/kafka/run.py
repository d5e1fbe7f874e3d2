"""The broker that all workers of one test run share, and what pytest does where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.kafka.broker import Broker, answers_kafka, available, locked, run
from tests.support.processes import BrokenProcessError

# Python warns when it forgets a process that still runs; one that others still use is not forgotten.
_left_running: list[Broker] = []


@contextlib.contextmanager
def shared_broker() -> Iterator[Broker]:
    """The broker of this run, shared by all its workers: make topics and groups of your own, never kill it."""
    how = available()
    if how is None:
        raise BrokenProcessError("no Kafka: set KAFKA_BOOTSTRAP_SERVERS, or have Docker, or Java 17 and Maven")
    if how == "external":
        external = Broker(how, Path())
        external.start()
        yield external
        return
    folder = run_folder()
    with locked(folder):
        broker = _join(folder, how)
    try:
        yield broker
    finally:
        with locked(folder):
            _leave(folder, broker)


def _join(folder: Path, how: str) -> Broker:
    record = folder / "broker.json"
    state = json.loads(record.read_text()) if record.exists() else None
    if state is not None and answers_kafka("127.0.0.1", state["port"]):
        broker = Broker(how, Path(state["folder"]), state["port"], state["controller_port"])
    else:
        broker = Broker(how, Path(tempfile.mkdtemp(prefix="holdfast-kafka-")))
        try:
            broker.start()
        except BaseException:
            broker.remove()
            raise
        pid = broker.process.pid if broker.process else None
        state = {"port": broker.port, "controller_port": broker.controller_port, "folder": str(broker.folder)}
        state |= {"pid": pid, "container": broker.container, "users": []}
    # A worker that crashed never left: it must not keep the broker alive.
    state["users"] = [*(user for user in state["users"] if psutil.pid_exists(user)), os.getpid()]
    record.write_text(json.dumps(state))
    return broker


def _leave(folder: Path, broker: Broker) -> None:
    record = folder / "broker.json"
    state = json.loads(record.read_text())
    state["users"].remove(os.getpid())
    if any(psutil.pid_exists(user) for user in state["users"]):
        record.write_text(json.dumps(state))
        _left_running.append(broker)
        return
    record.unlink()
    if state["container"]:
        run(["docker", "rm", "--force", "--volumes", state["container"]])
    elif broker.process:
        broker.process.kill()
    else:
        # By pid, for who leaves last need not be who started it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(state["pid"], signal.SIGKILL)
    shutil.rmtree(state["folder"], ignore_errors=True)


def run_folder() -> Path:
    """One per test run: xdist's workers are children of the process that runs it."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"holdfast-kafka-run-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


# The parts of tests/conftest.py that are about Kafka.


def pytest_collection_modifyitems_kafka(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests that cannot run; with `HOLDFAST_REQUIRE_KAFKA=1` they stay, and fail without a broker."""
    if os.environ.get("HOLDFAST_REQUIRE_KAFKA") == "1":
        return
    out = [item for item in items if (mark := item.get_closest_marker("kafka")) and not available(**mark.kwargs)]
    if not out:
        return
    config.hook.pytest_deselected(items=out)
    left = set(out)
    items[:] = [item for item in items if item not in left]
    (run_folder() / "left-out").write_text(str(len(out)))


def terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says as the very last line how many tests were left out, also when workers did the leaving out."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # workers have a summary too, which nobody sees
    folder = run_folder()
    note = folder / "left-out"
    if note.exists():
        count = note.read_text()
        line = f"!!! {count} TESTS WERE NOT RUN: NO KAFKA (KAFKA_BOOTSTRAP_SERVERS, Docker, or Java 17 and Maven) !!!"
        # Cleanups come after pytest's own closing line.
        terminalreporter.config.add_cleanup(lambda: print(f"\n{line}", file=sys.stdout, flush=True))
    shutil.rmtree(folder, ignore_errors=True)
