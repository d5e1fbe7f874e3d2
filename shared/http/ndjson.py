"""NDJSON at the doors: one JSON object on each line."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from shared.errors import HoldfastError

NDJSON = "application/x-ndjson"
NDJSON_BODY: dict[str, Any] = {"content": {NDJSON: {"schema": {"type": "string"}}}}
NDJSON_ANSWER: dict[int | str, dict[str, Any]] = {200: {"description": "One JSON object per line", **NDJSON_BODY}}


class Dataclass(Protocol):
    """An instance of any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class NotNdjson(HoldfastError, code="wrong_kind"):
    """An import is NDJSON: send `Content-Type: application/x-ndjson`."""

    status = 415


def require_ndjson(request: Request) -> None:
    """Raises `NotNdjson`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise NotNdjson


def encode_ndjson(value: Dataclass) -> str:
    """One line; days are written as ISO 8601."""
    return json.dumps(asdict(value), ensure_ascii=False, default=str) + "\n"


def answer_ndjson(values: Sequence[Dataclass], response: Response) -> Response:
    """All lines at once, with the headers that `response` has gathered."""
    return Response("".join(map(encode_ndjson, values)), media_type=NDJSON, headers=response.headers)


def stream_ndjson(values: Iterable[Dataclass]) -> StreamingResponse:
    return StreamingResponse(map(encode_ndjson, values), media_type=NDJSON)
