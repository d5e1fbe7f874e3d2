"""What auditors prove the journal with: checkpoints, proofs, and its export."""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.clients.proofs import handlers
from shared.http.door import Door, allow
from shared.http.fields import Moment
from shared.http.ndjson import NDJSON, describe_ndjson_answer
from shared.ids import ClientRef, Id

router = APIRouter(tags=["journal"])
DECISION_ID_PATTERN = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:\.[0-9]{1,6})?")

MAX_TREE_SIZE = 1 << 62


@router.get("/journal/checkpoint", summary="A signed checkpoint of the journal as it is now")
async def create_checkpoint(door: Door = allow("auditor", "service", "ops")) -> handlers.Checkpoint:
    return await door.transact(handlers.create_checkpoint, door.runtime.keys.signing_key)


@router.get("/journal/key", summary="The key that checkpoints are verified with")
async def get_verifier_key(door: Door = allow("auditor", "service", "ops")) -> handlers.VerifierKey:
    return handlers.VerifierKey(handlers.get_verifier_key(door.runtime.keys.signing_key))


@router.get("/journal/proofs/inclusion", summary="The proof that a decision is in the journal")
async def prove_inclusion(
    decision_id: Annotated[
        str,
        Query(
            pattern=f"^{DECISION_ID_PATTERN.pattern}$",
            max_length=50,
            description="of a decision, or the id of an entry",
        ),
    ],
    size: Annotated[
        int | None, Query(ge=1, le=MAX_TREE_SIZE, description="of the tree; as it is now, if left out")
    ] = None,
    door: Door = allow("auditor", "service"),
) -> handlers.Inclusion:
    leaf = decision_id.partition(".")[0].lower()
    return await door.read(handlers.prove_inclusion, leaf, size, door.runtime.keys.signing_key)


@router.get("/journal/proofs/consistency", summary="The proof that nothing of an older journal was changed")
async def prove_consistency(
    from_size: Annotated[int, Query(alias="from", ge=0, le=MAX_TREE_SIZE)],
    to_size: Annotated[int, Query(alias="to", ge=0, le=MAX_TREE_SIZE)],
    door: Door = allow("auditor", "service"),
) -> handlers.Consistency:
    return await door.read(handlers.prove_consistency, from_size, to_size)


@router.get(
    "/journal/export",
    response_class=StreamingResponse,
    responses=describe_ndjson_answer("For `holdfast journal verify`"),
    summary="The journal as it was hashed, with what proves it",
)
async def export_journal(
    from_index: Annotated[int | None, Query(alias="from", ge=0, le=MAX_TREE_SIZE)] = None,
    to_size: Annotated[int | None, Query(alias="to", ge=0, le=MAX_TREE_SIZE)] = None,
    since: Moment | None = None,
    until: Moment | None = None,
    employee_id: Id | None = None,
    client_id: ClientRef | None = None,
    door: Door = allow("auditor"),
) -> StreamingResponse:
    """Whole, or the run of entries that holds a time; about an employee or a client, each entry with its own proof."""
    key = door.runtime.keys.signing_key
    verifier_key = handlers.get_verifier_key(key)
    if employee_id or client_id:
        selection = await door.transact(handlers.begin_selection_export, employee_id, client_id, since, until, key)
        lines = handlers.stream_selection_export(
            lambda after: door.read(handlers.list_selected_entries, selection, after), selection, verifier_key
        )
    else:
        whole = await door.transact(handlers.begin_range_export, from_index, to_size, since, until, key)
        lines = handlers.stream_range_export(
            lambda start: door.read(handlers.read_tile_page, whole, start, verifier_key), whole, verifier_key
        )
    return StreamingResponse(lines, media_type=NDJSON)
