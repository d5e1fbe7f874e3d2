"""What holds for all tests: which need a real Kafka, and the loud last line where there is none."""

import pytest

from tests.support import kafka


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kafka.pytest_collection_modifyitems_kafka(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    kafka.terminal_summary(terminalreporter)
