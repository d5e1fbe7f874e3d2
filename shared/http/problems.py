"""Errors at the door: RFC 9457, never the input echoed back, since it may be personal data."""

import re
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.database import is_transient
from shared.errors import HoldfastError, NoToken

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
FIELD_NAME_PATTERN = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, Any]] = []
    trace_id: str


STATUSES = {
    400: "The request cannot be read",
    401: "No valid token",
    403: "No right to do this",
    404: "Not found",
    405: "Not allowed on this path",
    409: "Refused as things stand",
    412: "Changed since you read it",
    413: "Too large",
    415: "Unsupported kind of body",
    422: "Content that cannot be right",
    428: "Say which version you mean",
    500: "Our error",
    503: "Not available just now",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, title in STATUSES.items()
    if status not in (405, 428, 500)
}


def make_problem_response(
    request: Request, status: int, code: str, detail: str, errors: Sequence[dict[str, Any]] = (), **extra: Any
) -> JSONResponse:
    body = {
        "type": f"urn:holdfast:{code}",
        "title": STATUSES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request.scope.get('request_id', '')}",
        "errors": list(errors),
        "trace_id": request.scope.get("trace_id", ""),
        "reason": code,
        **extra,
    }
    headers = {"Retry-After": "1"} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(HoldfastError)
    async def refused(request: Request, error: HoldfastError) -> JSONResponse:
        return make_problem_response(request, error.status, error.code, error.message(), **error.extra)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"loc": _describe_location(item["loc"]), "msg": _describe_fault(item), "type": item["type"]}
            for item in error.errors()
        ]
        if any(item["type"] == "json_invalid" for item in errors):
            if "authorization" not in request.headers:  # the body is read before the doorkeeper is asked
                return await refused(request, NoToken())
            return make_problem_response(request, 400, "malformed_json", "The body is not valid JSON.", errors)
        return make_problem_response(
            request, 422, "invalid", "Some fields cannot be right; `errors` says which and why.", errors
        )

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # what the parser of JSON gives up on, such as too deep a nesting
            return make_problem_response(request, 400, "malformed_json", "The body is not valid JSON.")
        detail = STATUSES.get(error.status_code, "Refused")
        answer = make_problem_response(request, error.status_code, "http", f"{detail}.")
        answer.headers.update(error.headers or {})
        return answer


def make_failure_response(request: Request, error: Exception) -> JSONResponse:
    """What the caller hears of an error that is no refusal."""
    if is_transient(error):
        return make_problem_response(
            request, 503, "unavailable", "The database does not answer just now. Nothing was done; repeat."
        )
    return make_problem_response(request, 500, "internal", "This is our error; it has been logged under the trace id.")


def _describe_location(loc: Sequence[Any]) -> list[Any]:
    """Names of fields and indexes; whatever else stands there came from the caller and is not repeated."""
    return [part if isinstance(part, int) or FIELD_NAME_PATTERN.match(str(part)) else "…" for part in loc]


def _describe_fault(error: dict[str, Any]) -> str:
    # Messages of the framework describe what was expected; only those of value errors are ours and may go further.
    if error["type"] in ("json_invalid", "enum", "literal_error"):
        return str(error["msg"])
    return str(error["msg"]).removeprefix("Value error, ")
