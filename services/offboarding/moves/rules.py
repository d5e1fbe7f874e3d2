"""Chunks of moves and their outcomes."""

import json
import re
from collections.abc import Sequence

from services.offboarding.permissions.rules import Row
from services.offboarding.saga import Item

CHUNK_SIZE = 1_000

MOVES_ITEM_NAME = re.compile(r"^(undo-)?(\w+)-(\d+)-(\d+)$")  # of a bulk item: fact, round, chunk

PART_OF_FACT = {
    "clients": "client",
    "team": "team",
    "stages": "stage",
    "left_clients": "left_client",
    "left_stages": "left_stage",
}


def get_chunk_of_item(item: Item) -> tuple[str, int, int] | None:
    """Which rows of `moves` a bulk item stands for: `(part, version, chunk)`."""
    found = MOVES_ITEM_NAME.match(item.name)
    return (PART_OF_FACT[found[2]], int(found[3]), int(found[4])) if found and item.kind == "command" else None


# A move that found its object elsewhere, or gone: somebody was faster, and nothing is left to do.
SETTLED_OUTCOMES = ("done", "not_owner", "not_assignee", "not_in_team", "unknown_client", "unknown_stage", "closed")

ROWS_PER_STATEMENT = 5_000  # rows of JSON in one statement


def split_into_json(rows: Sequence[Row]) -> list[str]:
    return [json.dumps(rows[start : start + ROWS_PER_STATEMENT]) for start in range(0, len(rows), ROWS_PER_STATEMENT)]
