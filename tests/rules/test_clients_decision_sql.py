"""The statement that decides is put together from the table of relations: a golden file shows what becomes of it.

After an intended change: `HOLDFAST_WRITE_DECISION=1 pytest tests/rules/test_clients_decision_sql.py`, and look at the diff.
"""

import os
from pathlib import Path

from services.clients.access.store.checks import CHECK_ONE_SQL

GOLDEN = Path(__file__).with_name("clients_decision.sql")


def test_the_statement_of_a_check_is_exactly_as_it_is_written() -> None:
    found = "".join(f"{line.rstrip()}\n" for line in CHECK_ONE_SQL.strip().splitlines())
    if os.environ.get("HOLDFAST_WRITE_DECISION"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()
