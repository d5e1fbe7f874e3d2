"""Many departments or employees at once: NDJSON in, NDJSON out, a result for each line."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ValidationError

from services.staff.domain.chains import top_down
from services.staff.handlers.bodies import NewDepartment
from services.staff.handlers.imports import EmployeeRow, Row, import_departments, import_employees
from shared.database import UnitOfWork
from shared.errors import HoldfastError
from shared.http.door import Door, allow

router = APIRouter(tags=["imports"])

CHUNK = 1000
NDJSON = "application/x-ndjson"
SHAPES: dict[str, type[BaseModel]] = {"departments": NewDepartment, "employees": EmployeeRow}
IMPORTS = {"departments": import_departments, "employees": import_employees}
ABOVE = {"departments": "parent_id", "employees": "manager_id"}
Result = dict[str, Any]


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
    good, results = await asyncio.to_thread(_read, kind, await request.body())
    order = {
        id: place for place, id in enumerate(top_down({row.value.id: getattr(row.value, ABOVE[kind]) for row in good}))
    }
    good.sort(key=lambda row: order[row.value.id])
    ids = frozenset(order)
    chunks = [good[first : first + CHUNK] for first in range(0, len(good), CHUNK)]
    if dry_run:
        results += await door.read(_all, kind, chunks, ids)
    else:
        for chunk in chunks:
            results += await door.transact(IMPORTS[kind], chunk, ids)
    results.sort(key=lambda result: result["line"])
    return Response(
        "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results),
        media_type=NDJSON,
        headers=door.response.headers,
    )


async def _all(work: UnitOfWork, kind: str, chunks: Sequence[Sequence[Row]], ids: frozenset[str]) -> list[Result]:
    return [result for chunk in chunks for result in await IMPORTS[kind](work, chunk, ids)]


def _read(kind: str, body: bytes) -> tuple[list[Row], list[Result]]:
    """The rows that can be read, and a refusal for each that cannot."""
    good: dict[str, Row] = {}
    refused: list[Result] = []
    for number, raw in enumerate(body.split(b"\n"), 1):
        if not raw.strip():
            continue
        line = number
        try:
            found = json.loads(raw)
            if isinstance(found, dict) and set(found) == {"line", "data"} and type(found["line"]) is int:
                line, found = min(max(found["line"], 0), 2**53), found["data"]
            value: Any = SHAPES[kind].model_validate(found)
        except ValidationError as error:
            refused.append({"line": line, "id": None, "outcome": "refused", "reason": _why(kind, error)})
        except (ValueError, RecursionError):
            refused.append({"line": line, "id": None, "outcome": "refused", "reason": "malformed_json"})
        else:
            if value.id in good:
                refused.append({"line": line, "id": value.id, "outcome": "refused", "reason": "repeated_id"})
            else:
                good[value.id] = Row(line, value)
    return list(good.values()), refused


def _why(kind: str, error: ValidationError) -> str:
    """The first field that cannot be right, and what was expected there; nothing of the row itself."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    fields = [str(part) for part in found["loc"] if part in SHAPES[kind].model_fields]
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"invalid: {'.'.join(fields) or 'a field'}: {message}"
