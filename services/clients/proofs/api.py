"""What auditors prove the journal with: checkpoints, proofs, and its export."""

import re
from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.clients.proofs import handlers
from shared.http.door import Door, allow
from shared.http.fields import Moment
from shared.http.ndjson import NDJSON, describe_ndjson_answer
from shared.ids import ClientRef, Id

router = APIRouter(tags=["journal"])
DECISION_ID_PATTERN = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:\.[0-9]{1,6})?")


def _encode_hash(raw: Any) -> Any:
    return b64encode(raw).decode() if isinstance(raw, bytes) else raw


Hash = Annotated[str, BeforeValidator(_encode_hash), Field(description="SHA-256, in base64")]
TreeSize = Annotated[int, Query(ge=0, le=1 << 62)]


class Checkpoint(BaseModel):
    """`note` is a C2SP tlog-checkpoint, signed: keep it where the database's administrator cannot write."""

    size: int
    root: Hash
    note: str
    at: datetime


class VerifierKey(BaseModel):
    """The public key in the form of C2SP signed notes. Take it once, by a road of its own."""

    key: str


class Inclusion(BaseModel):
    """RFC 6962, 2.1.1: `data` is the entry as it was hashed, leaf `index` of the tree of `size` with `root`."""

    index: int
    size: int
    data: str
    leaf_hash: Hash
    proof: list[Hash]
    root: Hash
    checkpoint: str


class Consistency(BaseModel):
    """RFC 6962, 2.1.2: the tree of `to` begins with the tree of `from`."""

    model_config = ConfigDict(populate_by_name=True)

    from_size: Annotated[int, Field(alias="from")]
    to_size: Annotated[int, Field(alias="to")]
    from_root: Hash
    to_root: Hash
    proof: list[Hash]


@router.get("/journal/checkpoint", response_model=Checkpoint, summary="A signed checkpoint of the journal as it is now")
async def get_checkpoint(door: Door = allow("auditor", "service", "ops")) -> Any:
    return await door.transact(handlers.create_checkpoint, door.runtime.keys.signing_key)


@router.get("/journal/key", response_model=VerifierKey, summary="The key that checkpoints are verified with")
async def get_verifier_key(door: Door = allow("auditor", "service", "ops")) -> Any:
    return {"key": handlers.get_verifier_key(door.runtime.keys.signing_key)}


@router.get(
    "/journal/proofs/inclusion", response_model=Inclusion, summary="The proof that a decision is in the journal"
)
async def prove_inclusion(
    decision_id: Annotated[
        str,
        Query(
            pattern=f"^{DECISION_ID_PATTERN.pattern}$",
            max_length=50,
            description="of a decision, or the id of an entry",
        ),
    ],
    size: Annotated[int | None, Query(ge=1, le=1 << 62, description="of the tree; as it is now, if left out")] = None,
    door: Door = allow("auditor", "service"),
) -> Any:
    leaf = decision_id.partition(".")[0].lower()
    return await door.read(handlers.prove_inclusion, leaf, size, door.runtime.keys.signing_key)


@router.get(
    "/journal/proofs/consistency",
    response_model=Consistency,
    summary="The proof that nothing of an older journal was changed",
)
async def prove_consistency(
    from_size: Annotated[int, Query(alias="from", ge=0, le=1 << 62)],
    to_size: Annotated[int, Query(alias="to", ge=0, le=1 << 62)],
    door: Door = allow("auditor", "service"),
) -> Any:
    return await door.read(handlers.prove_consistency, from_size, to_size)


@router.get(
    "/journal/export",
    response_class=StreamingResponse,
    responses=describe_ndjson_answer("For `holdfast journal verify`"),
    summary="The journal as it was hashed, with what proves it",
)
async def export_journal(
    from_index: Annotated[int | None, Query(alias="from", ge=0, le=1 << 62)] = None,
    to_size: Annotated[int | None, Query(alias="to", ge=0, le=1 << 62)] = None,
    since: Moment | None = None,
    until: Moment | None = None,
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    door: Door = allow("auditor"),
) -> StreamingResponse:
    """Whole, or the run of entries that holds a time; about an employee or a client, each entry with its own proof."""
    key = door.runtime.keys.signing_key
    if employee_id or client_id:
        selection = await door.transact(handlers.begin_selection_export, employee_id, client_id, key)
        lines = handlers.stream_selection_export(door.read, selection, since, until, key)
    else:
        whole = await door.transact(handlers.begin_range_export, from_index, to_size, since, until, key)
        lines = handlers.stream_range_export(door.read, whole, key)
    return StreamingResponse(lines, media_type=NDJSON)
