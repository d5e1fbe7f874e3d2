"""The door of imports: NDJSON in, NDJSON out, a result for each line."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ValidationError

from services.staff.departments.fields import NewDepartment
from services.staff.imports import handlers, rules
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.http.door import Door, allow

router = APIRouter(tags=["imports"])

ROWS_PER_TRANSACTION = 1000

NDJSON = "application/x-ndjson"

ROW_SHAPES: dict[str, type[BaseModel]] = {"departments": NewDepartment, "employees": handlers.ImportedEmployee}

IMPORT_HANDLERS = {"departments": handlers.import_departments, "employees": handlers.import_employees}

PARENT_FIELDS = {"departments": "parent_id", "employees": "manager_id"}

RowResult = dict[str, Any]


class WrongKind(HoldfastError, code="wrong_kind"):
    """An import is NDJSON: send `Content-Type: application/x-ndjson`."""

    status = 415


@router.post(
    "/imports",
    response_class=Response,
    summary="Import departments or employees",
    responses={200: {"description": "One result per line", "content": {NDJSON: {"schema": {"type": "string"}}}}},
    openapi_extra={"requestBody": {"content": {NDJSON: {"schema": {"type": "string"}}}, "required": True}},
)
async def import_rows(
    request: Request,
    kind: Annotated[Literal["departments", "employees"], Query()],
    dry_run: Annotated[bool, Query()] = False,
    door: Door = allow("hr", "ops"),
) -> Response:
    """Lines are rows, or `{"line": n, "data": {…a row…}}`; answers `{"line", "id", "outcome", "reason"}` for each.

    Outcomes: `created`, `updated`, `unchanged`, `refused`. A row is compared with the row last imported. Each 1,000 rows
    are one transaction; a manager or parent may stand further down than those below.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise WrongKind
    good, results = await asyncio.to_thread(_read_rows, kind, await request.body())
    order = {
        id: place
        for place, id in enumerate(
            rules.sort_parents_first({row.value.id: getattr(row.value, PARENT_FIELDS[kind]) for row in good})
        )
    }
    good.sort(key=lambda row: order[row.value.id])
    ids = frozenset(order)
    chunks = [good[first : first + ROWS_PER_TRANSACTION] for first in range(0, len(good), ROWS_PER_TRANSACTION)]
    if dry_run:
        results += await door.read(_import_all_chunks, kind, chunks, ids)
    else:
        for chunk in chunks:
            results += await door.transact(IMPORT_HANDLERS[kind], chunk, ids)
    results.sort(key=lambda result: result["line"])
    return Response(
        "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results),
        media_type=NDJSON,
        headers=door.response.headers,
    )


async def _import_all_chunks(
    work: UnitOfWork, kind: str, chunks: Sequence[Sequence[handlers.ImportRow]], ids: frozenset[str]
) -> list[RowResult]:
    return [result for chunk in chunks for result in await IMPORT_HANDLERS[kind](work, chunk, ids)]


def _read_rows(kind: str, body: bytes) -> tuple[list[handlers.ImportRow], list[RowResult]]:
    """The rows that can be read, and a refusal for each that cannot."""
    good: dict[str, handlers.ImportRow] = {}
    refused: list[RowResult] = []
    for number, raw in enumerate(body.split(b"\n"), 1):
        if not raw.strip():
            continue
        line = number
        try:
            found = json.loads(raw)
            if isinstance(found, dict) and set(found) == {"line", "data"} and type(found["line"]) is int:
                line, found = min(max(found["line"], 0), 2**53), found["data"]
            value: Any = ROW_SHAPES[kind].model_validate(found)
        except ValidationError as error:
            refused.append({"line": line, "id": None, "outcome": "refused", "reason": _describe_error(kind, error)})
        except (ValueError, RecursionError):
            refused.append({"line": line, "id": None, "outcome": "refused", "reason": "malformed_json"})
        else:
            if value.id in good:
                refused.append({"line": line, "id": value.id, "outcome": "refused", "reason": "repeated_id"})
            else:
                good[value.id] = handlers.ImportRow(line, value)
    return list(good.values()), refused


def _describe_error(kind: str, error: ValidationError) -> str:
    """The first field that cannot be right, and what was expected there; nothing of the row itself."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    fields = [str(part) for part in found["loc"] if part in ROW_SHAPES[kind].model_fields]
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"invalid: {'.'.join(fields) or 'a field'}: {message}"
