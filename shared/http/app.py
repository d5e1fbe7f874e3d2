"""The application around a service: its doors under `/<service>/v1`, health, metrics, documents, parked keys."""

import re
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import TooLarge
from shared.http import problems
from shared.http.asyncapi import build_asyncapi
from shared.http.door import Door, allow
from shared.http.problems import install_problem_handlers, make_failure_response, make_problem_response
from shared.migrations import describe_version_fault
from shared.outbox import waiting
from shared.paging import Page, Paging, make_page, paging
from shared.service import Runtime

log = structlog.get_logger()

BODY_LIMIT = 1_000_000
BULK_LIMIT = 32_000_000
DRAIN_LIMIT = 128_000_000
BULK_PATH = re.compile(r"/(transfers|batch|imports)$")
TRACEPARENT_PATTERN = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")
REQUEST_ID_PATTERN = re.compile(r"^[\x21-\x7e]{1,100}$")


class Republished(BaseModel):
    events: int


def build_operations_router() -> APIRouter:
    """What the person who runs it needs of every service."""
    router = APIRouter(tags=["operations"])

    @router.get("/parked", summary="Keys whose message failed")
    async def list_parked(paging: Paging = Depends(paging), door: Door = allow("ops")) -> Page[waiting.WaitingKey]:
        return make_page(await door.read(waiting.list_waiting_keys, paging), paging, lambda key: (str(key.id),))

    @router.post("/parked/{key_id}/replay", status_code=204, summary="Try a parked key again")
    async def replay(key_id: uuid.UUID, door: Door = allow("ops")) -> None:
        await door.transact(waiting.schedule_replay_of_key, key_id)

    @router.post("/parked/{key_id}/skip", status_code=204, summary="Drop the first message of a parked key")
    async def skip(key_id: uuid.UUID, door: Door = allow("ops")) -> None:
        await door.transact(waiting.skip_first_message, key_id)

    @router.post("/republish", summary="Publish the present state of everything again")
    async def republish(door: Door = allow("ops")) -> Republished:
        return Republished(events=await door.run_once(lambda: door.runtime.service.republish(door.runtime)))

    return router


def create_app(runtime: Runtime) -> FastAPI:
    """The ASGI application of one service. Its lifespan does nothing: `wiring` starts and stops the runtime."""
    service = runtime.service
    base = f"/{service.name}"
    app = FastAPIOffline(
        title=f"Holdfast {service.name}",
        version="1",
        description=f"{service.summary} Money is in {runtime.settings.currency}.",
        docs_url=f"{base}/docs",
        redoc_url=None,
        openapi_url=f"{base}/openapi.json",
        static_url=f"{base}/docs/static",
        responses=problems.RESPONSES,
        separate_input_output_schemas=False,
    )
    app.state.runtime = runtime
    install_problem_handlers(app)
    for router in service.routers:
        app.include_router(router, prefix=f"{base}/v1")
    app.include_router(build_operations_router(), prefix=f"{base}/v1")
    app.include_router(_build_open_router(runtime, base, app))
    _declare_problem_schema(app)
    app.add_middleware(RequestContextMiddleware, service=service.name, metrics=runtime.metrics)
    return app


def _declare_problem_schema(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", problems.Problem.model_json_schema())
        for operations_of in document["paths"].values():
            for operation in operations_of.values():
                for response in operation.get("responses", {}).values():
                    if problems.MEDIA_TYPE in response.get("content", {}):
                        response["content"].pop("application/json", None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _build_open_router(runtime: Runtime, base: str, app: FastAPI) -> APIRouter:
    """What needs no token: health, metrics, documents; at the root of the port and under the service's path."""
    router = APIRouter(include_in_schema=False)

    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    async def readyz(response: Response) -> dict[str, Any]:
        faults = await list_readiness_faults(runtime)
        response.status_code = 503 if faults else 200
        return {"status": "not ready" if faults else "ready", "service": runtime.name, "faults": faults}

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def asyncapi_json() -> JSONResponse:
        return JSONResponse(build_asyncapi([runtime.service]))

    async def openapi_json() -> JSONResponse:
        return JSONResponse(app.openapi())

    async def docs() -> HTMLResponse:
        return render_docs_page(runtime.name, app.title)

    for prefix in ("", base):
        router.get(f"{prefix}/healthz")(healthz)
        router.get(f"{prefix}/readyz")(readyz)
        router.get(f"{prefix}/metrics")(metrics)
        router.get(f"{prefix}/asyncapi.json")(asyncapi_json)
    router.get("/docs")(docs)
    router.get("/openapi.json")(openapi_json)
    return router


def render_docs_page(service: str, title: str) -> HTMLResponse:
    """The reference of what stands at `/openapi.json`, with the files that this service serves, from no other host."""
    static = f"/{service}/docs/static"
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{static}/swagger-ui-bundle.js",
        swagger_css_url=f"{static}/swagger-ui.css",
        swagger_favicon_url=f"{static}/favicon.png",
    )


async def list_readiness_faults(runtime: Runtime) -> list[str]:
    """What keeps this replica from serving; empty when it can."""
    try:
        async with runtime.database.connect() as connection:
            behind = await describe_version_fault(connection, runtime.service)
    except Exception as error:
        return [f"database: {type(error).__name__}"]
    faults = [] if behind is None else [f"migrations: {behind}; run `holdfast migrate {runtime.name}`"]
    trouble = runtime.bus.describe_fault()
    if trouble:
        faults.append(f"bus: {trouble}")
    if runtime.has_too_many_parked:
        faults.append("parked: too many keys wait for a person; see `holdfast parked list`")
    return faults


class RequestContextMiddleware:
    """Reads the body within its limit, gives the request an id and a trace, and measures it."""

    def __init__(self, app: ASGIApp, service: str, metrics: Any) -> None:
        self.app, self.service, self.metrics = app, service, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        wanted = headers.get("x-request-id", "")
        scope["request_id"] = request_id = wanted if REQUEST_ID_PATTERN.match(wanted) else uuid.uuid4().hex
        trace = TRACEPARENT_PATTERN.match(headers.get("traceparent", ""))
        scope["trace_id"] = trace.group(1) if trace else secrets.token_hex(16)
        scope["traceparent"] = trace.group(0) if trace else f"00-{scope['trace_id']}-{secrets.token_hex(8)}-01"
        status, begun = 500, False
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            limit = BULK_LIMIT if BULK_PATH.search(scope["path"]) else BODY_LIMIT
            body = await _read_body(scope, receive, headers.get("content-length"), limit)
            if body is None:
                await _refuse_too_large(scope, answer)
            else:
                await self.app(scope, _replay_body(body, receive), answer)
        except Exception as error:
            log.error("request.failed", trace_id=scope["trace_id"], error=waiting.describe_error(error))
            if not begun:
                await make_failure_response(Request(scope), error)(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            labels = (self.service, scope["method"], route, str(status))
            self.metrics.requests.labels(*labels).observe(time.perf_counter() - started)


async def _read_body(scope: Scope, receive: Receive, length: str | None, limit: int) -> bytes | None:
    """The body, or None if it is over the limit; what is over is read and dropped, so that the caller hears the answer."""
    if scope["method"] in ("GET", "HEAD") and length is None:
        return b""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        if not message.get("more_body") or size > DRAIN_LIMIT:
            return b"".join(chunks) if size <= limit else None


def _replay_body(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    handed = False

    async def given() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given


async def _refuse_too_large(scope: Scope, send: Send) -> None:
    answer = make_problem_response(Request(scope), TooLarge.status, TooLarge.code, TooLarge.message())

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    await answer(scope, nothing, send)
