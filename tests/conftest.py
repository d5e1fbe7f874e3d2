"""What holds for all tests: the day on which they run, which are too long, and which need a real Kafka, with a loud last line
where there is none."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support import days, kafka, long


def pytest_addoption(parser: pytest.Parser) -> None:
    days.add_options(parser)
    long.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    days.choose(config)
    long.choose(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with days.lived(item):
        return (yield)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder whose parents everybody may enter. Pytest closes those of its own, again at the start of every run, and run
    by root the embedded PostgreSQL is another user."""
    with tempfile.TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.hookimpl(trylast=True)  # after -k and -m: what nobody asked for is not missing
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long.leave_out(config, items)
    kafka.pytest_collection_modifyitems_kafka(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    long.terminal_summary(terminalreporter)
    kafka.terminal_summary(terminalreporter)


@pytest.fixture(autouse=True)
def logs_as_at_the_start() -> None:
    """Commands set the level of the whole process; the next test must not inherit it."""
    structlog.reset_defaults()
