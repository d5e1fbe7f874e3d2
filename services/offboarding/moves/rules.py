"""What is moved from the leaver to others, in chunks, and which outcomes leave nothing to do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from services.offboarding.saga import CaseItem

CHUNK_SIZE = 1_000  # moves that one command carries
ROWS_PER_STATEMENT = 5_000
# A move that found its object elsewhere, or gone: somebody was faster, and nothing is left to do.
SETTLED_OUTCOMES = ("done", "not_owner", "not_assignee", "not_in_team", "unknown_client", "unknown_stage", "closed")


@dataclass(frozen=True, slots=True)
class Move:
    """What a plan says of one client (`kind` client), stage (stage) or team place (team), or what is written through to the
    stand-in at the end (left_client, left_stage). Without `to_id` it stays, `unplaced_reason` says why.

    `planning_facts`: of a stage what the planner must know of it to judge an edit; of a client whether it is closed.
    """

    kind: str
    client_id: str
    order_id: str = ""
    stage: str = ""
    function: str = ""
    to_id: str | None = None
    reasons: Sequence[str] = ()
    cost: float = 0.0
    unplaced_reason: str | None = None
    effort: float = 1.0
    planning_facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chunk:
    """The moves that one command carries."""

    case_id: str
    version: int
    move_kind: str
    number: int


@dataclass(frozen=True, slots=True)
class CommandedMove:
    """A move as a command says it."""

    client_id: str
    order_id: str
    stage: str
    function: str
    from_id: str
    to_id: str


@dataclass(frozen=True, slots=True)
class MovedClient:
    """A client that has moved, who has it now, and how much it is at risk: 1 the most, 0 unknown."""

    client_id: str
    to_id: str
    rank: int = 0


@dataclass(frozen=True)
class PlanEdit:
    """Somebody else is to have this client, or this stage of an order."""

    to_id: str
    client_id: str | None = None
    order_id: str | None = None
    stage: str | None = None


def make_chunk(case_id: str, item: CaseItem) -> Chunk:
    """The moves that this item of the case stands for; it is a command that moves something."""
    return Chunk(case_id, item.round, item.move_kind, item.chunk)


def to_json(records: Sequence[Any]) -> str:
    """Dataclasses of one kind as a list."""
    names = [each.name for each in fields(records[0])] if records else []
    return json.dumps([{name: getattr(record, name) for name in names} for record in records])


def split_into_json_batches(moves: Sequence[Move]) -> list[str]:
    """Lists that are small enough for one statement each."""
    return [to_json(moves[start : start + ROWS_PER_STATEMENT]) for start in range(0, len(moves), ROWS_PER_STATEMENT)]
