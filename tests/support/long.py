"""What takes long: `make test` tries a small sample of it, `make soak` the whole.

Tests marked `long` are left out unless `--long` is given, and the end of the run says so; with it, tests that draw their
examples draw many. `--share 2/5` runs the second fifth of the tests: the same ones, whoever runs it.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

MANY = 10  # times as many examples
DEFAULT = 100  # of hypothesis
_long = False


def examples(few: int, many: int = 0) -> int:
    """How many examples a test is to draw that draws so few in `make test`; without `many` ten times as many at length."""
    return (many or few * MANY) if _long else few


def seeds(few: int, many: int) -> list[Any]:
    """Numbers for a test to be repeated with; all but the first few are long."""
    return [number if number < few else pytest.param(number, marks=pytest.mark.long) for number in range(many)]


# The parts of tests/conftest.py that are about long tests.


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("long", "how much is run")
    group.addoption("--long", action="store_true", help="also tests marked long, and many examples")
    group.addoption("--share", metavar="K/N", help="only the Kth of N equal shares of the tests")


def choose(config: pytest.Config) -> None:
    """Sets how many examples there are, before any test is imported."""
    global _long
    _long = config.getoption("--long")
    settings.register_profile("holdfast", max_examples=examples(DEFAULT))
    settings.load_profile("holdfast")


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is too long for this run, and all shares but the one that is asked for."""
    kept = list(items) if _long else [item for item in items if not item.get_closest_marker("long")]
    if share := config.getoption("--share"):
        number, of = map(int, share.split("/"))
        kept = [item for item in kept if crc32(item.nodeid.encode()) % of == number % of]
    out = set(items) - set(kept)
    if out:
        config.hook.pytest_deselected(items=[item for item in items if item in out])
        items[:] = kept


def terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _long:
        terminalreporter.write_line("Tests marked long are left to `make soak`; --long runs them too.")
