"""No test depends on the day, hour or zone of the machine: only tests/support/days.py asks what time it is."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.days import HARD, Clock, after, today

TESTS = Path(__file__).parent.parent
# The clock of the tests; a service that runs as a process of its own; the plants below.
OWNERS = {"support/days.py", "support/probe.py", "house/test_days.py"}
ASKED = {"now", "today", "utcnow", "time", "time_ns", "localtime", "gmtime", "fromtimestamp"}
OF_PYTHON = {"datetime", "date", "time"}
IN_SQL = re.compile(
    r"\bnow\(\)|\b(clock|statement|transaction)_timestamp\(\)|\bcurrent_(date|time|timestamp)\b|\blocaltime", re.I
)


def asking(source: str) -> Iterator[str]:
    """Where this source asks the machine or the database for the time, or counts a month by its days."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (
                owner in OF_PYTHON and name in ASKED and (owner, name) != ("time", "time")
            ):
                yield f"{node.lineno}: {owner}.{name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="time")):
                yield f"{node.lineno}: time.time"
            case ast.ImportFrom(module="time", names=names) if ASKED & {alias.name for alias in names}:
                yield f"{node.lineno}: from time import"
            case ast.Constant(value=str(text)) if IN_SQL.search(text) and re.search(
                r"\b(SELECT|VALUES|SET|WHERE)\b", text
            ):
                yield f"{node.lineno}: {text.strip().splitlines()[0]} … in SQL"
            case ast.Call(func=ast.Attribute(attr="move"), keywords=[ast.keyword("days", ast.Constant(31))]):
                yield f"{node.lineno}: a month of 31 days"


def test_no_test_asks_the_machine_or_the_database_what_time_it_is() -> None:
    found = {
        name: where
        for path in sorted(TESTS.rglob("*.py"))
        if (name := path.relative_to(TESTS).as_posix()) not in OWNERS and (where := list(asking(path.read_text())))
    }
    assert not found


@pytest.mark.parametrize(
    "planted",
    [
        "from datetime import datetime\nd = datetime.now()",
        "import datetime\nd = datetime.datetime.now(datetime.UTC)",
        "from datetime import date\nd = date.today()",
        "from dataclasses import field\nfrom datetime import datetime\nat = field(default_factory=datetime.utcnow)",
        "import time\nt = time.time()",
        "import time\nt = time.time_ns()",
        "from time import time\nt = time()",
        "sql = 'INSERT INTO t (at) VALUES (now())'",
        "sql = 'SELECT f(CURRENT_DATE)'",
        "house.clock.move(days=31)",
    ],
)
def test_the_check_of_clocks_bites(planted: str) -> None:
    assert list(asking(planted))


def test_the_machine_shows_the_moment_of_the_run_in_every_test() -> None:
    assert timedelta() <= Clock()() - today().moment < timedelta(minutes=1)
    assert Clock().day() == today().at.date()


def test_a_month_later_is_the_same_day_or_the_last() -> None:
    assert [after(date(2027, 1, 31), months) for months in (1, 2, 11, 13, -2)] == [
        *(date(2027, 2, 28), date(2027, 3, 31), date(2027, 12, 31), date(2028, 2, 29), date(2026, 11, 30)),
    ]
    assert after(datetime(2028, 2, 29, 9, tzinfo=UTC), -12) == datetime(2027, 2, 28, 9, tzinfo=UTC)


def test_hard_days_are_what_their_names_say() -> None:
    moments = {name: day.moment for name, day in HARD.items()}
    assert [(moments[name].month, moments[name].day) for name in ("leap", "january", "december")] == [
        (2, 29),
        (1, 31),
        (12, 31),
    ]
    for name, month in (("spring", 3), ("autumn", 10)):
        moment = moments[name]
        assert (moment.month, moment.weekday(), (moment + timedelta(days=7)).month) == (month, 6, month + 1)
        later = (moment.astimezone(UTC) + timedelta(hours=24)).astimezone(moment.tzinfo)
        assert later.utcoffset() != moment.utcoffset()
    assert moments["holiday"].weekday() == moments["monday"].weekday() == 0
    assert moments["monday"].day <= 7
    assert moments["monday"].month == 1
    assert moments["monday"].astimezone(UTC).weekday() == 6
