"""What is moved from the leaver to others, in chunks, and which outcomes leave nothing to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.offboarding.saga import CaseItem

CHUNK_SIZE = 1_000  # moves that one command carries
# A move that found its object elsewhere, or gone: somebody was faster, and nothing is left to do.
SETTLED_OUTCOMES = ("done", "not_owner", "not_assignee", "not_in_team", "unknown_client", "unknown_stage", "closed")


@dataclass(frozen=True, slots=True)
class StageNeeds:
    """What the planner must know of a stage to judge an edit: who does the other stages of the order (`taken`), and which of
    them must be in other hands (`apart`)."""

    function: str
    taken: Mapping[str, str | None]
    apart: Sequence[str]


@dataclass(frozen=True, slots=True)
class Move:
    """What a plan says of one client (`kind` client), stage (stage) or team place (team), or what is written through to the
    stand-in at the end (left_client, left_stage). Without `to_id` it stays, `unplaced_reason` says why.

    `is_closed` is of a client, `stage_needs` of a planned stage.
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
    is_closed: bool = False
    stage_needs: StageNeeds | None = None


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
