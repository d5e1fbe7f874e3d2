"""Newline-delimited JSON in and out: what the doors of imports and streams share."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request, Response

from shared.errors import HoldfastError

NDJSON = "application/x-ndjson"
NDJSON_REQUEST: dict[str, Any] = {
    "requestBody": {"content": {NDJSON: {"schema": {"type": "string"}}}, "required": True}
}
encode_json = json.JSONEncoder(ensure_ascii=False).encode


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


def make_ndjson_response(objects: Iterable[Mapping[str, Any]], headers: Mapping[str, str]) -> Response:
    """One object per line."""
    return Response("".join(f"{encode_json(one)}\n" for one in objects), media_type=NDJSON, headers=dict(headers))
