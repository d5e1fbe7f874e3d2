"""Newline-delimited JSON in and out: what the doors of imports and streams share."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.errors import HoldfastError
from shared.http.bulk import describe_invalid_item
from shared.records import get_fields

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")
ImportOutcome = Literal["created", "updated", "unchanged", "refused"]

NDJSON = "application/x-ndjson"
MAX_LINE_NUMBER = 2**53  # above it JSON numbers are not exact everywhere
LINE_NUMBER_ADAPTER: TypeAdapter[int] = TypeAdapter(int)
NDJSON_REQUEST: dict[str, Any] = {
    "requestBody": {"content": {NDJSON: {"schema": {"type": "string"}}}, "required": True}
}


def _to_json(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return get_fields(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON of a {type(value).__name__}")


encode_json = json.JSONEncoder(ensure_ascii=False, default=_to_json).encode


class NotNdjson(HoldfastError, code="wrong_kind"):
    """An import is NDJSON: send `Content-Type: application/x-ndjson`."""

    status = 415


class MalformedJson(HoldfastError, code="malformed_json"):
    """A line is not a JSON object `{"line": 1, "data": {…}}`. Nothing was imported."""


class ImportLine(NamedTuple, Generic[T]):
    """What a line of an import holds, with the number of the line."""

    line: int
    value: T


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a line of an import; `reason` is that of a refusal."""

    line: int
    id: str | None
    outcome: ImportOutcome
    reason: str | None = None


def _read_numbered_line(found: object) -> tuple[int, object] | None:
    """Number and content of `{"line": n, "data": {…}}`; None where this is not such a line."""
    if not isinstance(found, dict) or found.keys() != {"line", "data"}:
        return None
    try:
        return LINE_NUMBER_ADAPTER.validate_python(found["line"]), found["data"]
    except ValidationError:
        return None


def parse_import_lines(
    body: bytes,
    shape: type[B],
    describe: Callable[[type[B], ValidationError], str] = describe_invalid_item,
    *,
    are_numbered: bool = False,
) -> tuple[list[ImportLine[B]], list[ImportResult]]:
    """The lines of this shape, bare or as `{"line": n, "data": {…}}`, and a refusal for each of the others.

    A number out of range is taken as the nearest in it. Where all lines `are_numbered`, raises `MalformedJson` if one is not, or
    its number is out of range.
    """
    lines: list[ImportLine[B]] = []
    refused: list[ImportResult] = []
    for line, text in enumerate(body.split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            if are_numbered:
                raise MalformedJson from None
            refused.append(ImportResult(line, None, "refused", MalformedJson.code))
            continue
        number, found = _read_numbered_line(found) or (None, found)
        if number is not None:
            line = min(max(number, 0), MAX_LINE_NUMBER)
        if are_numbered and (number != line or not isinstance(found, dict)):
            raise MalformedJson
        try:
            lines.append(ImportLine(line, shape.model_validate(found)))
        except ValidationError as error:
            refused.append(ImportResult(line, None, "refused", describe(shape, error)))
    return lines, refused


def describe_ndjson_answer(description: str) -> dict[int | str, dict[str, Any]]:
    """What a route says of its answer in the document."""
    return {200: {"description": description, "content": {NDJSON: {"schema": {"type": "string"}}}}}


def require_ndjson(request: Request) -> None:
    """Raises `NotNdjson`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise NotNdjson


def make_ndjson_response(objects: Iterable[object], headers: Mapping[str, str]) -> Response:
    """One object per line: a mapping or a dataclass."""
    return Response("".join(f"{encode_json(one)}\n" for one in objects), media_type=NDJSON, headers=dict(headers))


def stream_ndjson(objects: Iterable[object]) -> StreamingResponse:
    """The same, line by line."""
    return StreamingResponse((f"{encode_json(one)}\n" for one in objects), media_type=NDJSON)
