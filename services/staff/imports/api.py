"""The door of imports: NDJSON in, NDJSON out, a result for each line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from services.staff.departments.fields import NewDepartmentBody
from services.staff.imports import handlers, rules
from services.staff.imports.fields import ImportedEmployee
from shared.database import UnitOfWork
from shared.http.door import Door, allow
from shared.http.ndjson import (
    NDJSON_REQUEST,
    ImportLine,
    ImportResult,
    describe_ndjson_answer,
    make_ndjson_response,
    parse_import_lines,
    require_ndjson,
)

router = APIRouter(tags=["imports"])

ROWS_PER_TRANSACTION = 1000


@dataclass(frozen=True)
class ImportKind:
    """What a row must be, the field that names who or what is above it, and who takes rows in."""

    row_model: type[NewDepartmentBody | ImportedEmployee]
    parent_field: str
    import_rows: Callable[[UnitOfWork, Sequence[ImportLine[Any]], frozenset[str]], Awaitable[list[ImportResult]]]


KINDS = {
    "departments": ImportKind(NewDepartmentBody, "parent_id", handlers.import_departments),
    "employees": ImportKind(ImportedEmployee, "manager_id", handlers.import_employees),
}


@router.post(
    "/imports",
    response_class=Response,
    summary="Import departments or employees",
    responses=describe_ndjson_answer("One result per line"),
    openapi_extra=NDJSON_REQUEST,
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
    require_ndjson(request)
    importing = KINDS[kind]
    rows, results = await asyncio.to_thread(_read_rows, importing.row_model, await request.body())
    parents = {row.value.id: getattr(row.value, importing.parent_field) for row in rows}
    order = {id: place for place, id in enumerate(rules.sort_parents_first(parents))}
    rows.sort(key=lambda row: order[row.value.id])
    ids = frozenset(order)
    chunks = [rows[first : first + ROWS_PER_TRANSACTION] for first in range(0, len(rows), ROWS_PER_TRANSACTION)]
    if dry_run:
        results += await door.read(_import_all_chunks, importing, chunks, ids)
    else:
        for chunk in chunks:
            results += await door.transact(importing.import_rows, chunk, ids)
    results.sort(key=lambda result: result.line)
    return make_ndjson_response(results, door.response.headers)


async def _import_all_chunks(
    work: UnitOfWork, importing: ImportKind, chunks: Sequence[Sequence[ImportLine[Any]]], ids: frozenset[str]
) -> list[ImportResult]:
    return [result for chunk in chunks for result in await importing.import_rows(work, chunk, ids)]


def _read_rows(
    row_model: type[NewDepartmentBody | ImportedEmployee], body: bytes
) -> tuple[list[ImportLine[Any]], list[ImportResult]]:
    """The rows that can be read, of one id the first, and a refusal for each of the others."""
    lines, refused = parse_import_lines(body, row_model, _describe_error)
    rows: dict[str, ImportLine[Any]] = {}
    for row in lines:
        if rows.setdefault(row.value.id, row) is not row:
            refused.append(ImportResult(row.line, row.value.id, "refused", "repeated_id"))
    return list(rows.values()), refused


def _describe_error(row_model: type[NewDepartmentBody | ImportedEmployee], error: ValidationError) -> str:
    """The first field that cannot be right, and what was expected there; nothing of the row itself."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    fields = [str(part) for part in found["loc"] if part in row_model.model_fields]
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"invalid: {'.'.join(fields) or 'a field'}: {message}"
