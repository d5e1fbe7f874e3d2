"""Newline-delimited JSON in and out: what the doors of imports and streams share."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from datetime import date
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from shared.errors import HoldfastError
from shared.records import get_fields

NDJSON = "application/x-ndjson"
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
