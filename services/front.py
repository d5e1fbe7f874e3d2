"""The embedded mode's front: every path to its service by the first segment, and root documents that speak for all."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from shared.http.app import list_readiness_faults, render_docs_page
from shared.http.asyncapi import build_asyncapi
from shared.http.problems import make_problem_response
from shared.service import Runtime


class EmbeddedFront:
    """An ASGI application over the applications of the services."""

    def __init__(self) -> None:
        self.apps: dict[str, FastAPI] = {}
        self.runtimes: list[Runtime] = []
        self.pages: dict[str, Callable[[], Awaitable[Response]]] = {
            "/healthz": self.healthz,
            "/readyz": self.readyz,
            "/metrics": self.metrics,
            "/docs": self.docs,
            "/openapi.json": self.openapi,
            "/asyncapi.json": self.asyncapi,
        }

    def add(self, runtime: Runtime, app: FastAPI) -> None:
        self.apps[runtime.name] = app
        self.runtimes.append(runtime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        app = self.apps.get(scope["path"].split("/")[1])
        if app is not None:
            await app(scope, receive, send)
            return
        page = self.pages.get(scope["path"])
        answer = (
            await page()
            if page
            else make_problem_response(Request(scope), 404, "not_found", "There is nothing at this path.")
        )
        await answer(scope, receive, send)

    async def healthz(self) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(self) -> Response:
        faults = {runtime.name: await list_readiness_faults(runtime) for runtime in self.runtimes}
        faulty = {name: faults for name, faults in faults.items() if faults}
        return JSONResponse({"status": "not ready" if faulty else "ready", "faults": faulty}, 503 if faulty else 200)

    async def metrics(self) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def docs(self) -> Response:
        return render_docs_page(next(iter(self.apps)), "Holdfast")

    async def openapi(self) -> Response:
        return JSONResponse(self.merged_openapi())

    async def asyncapi(self) -> Response:
        return JSONResponse(build_asyncapi([runtime.service for runtime in self.runtimes]))

    def merged_openapi(self) -> dict[str, Any]:
        """All services in one document; a schema is named after its service, since names may meet."""
        merged: dict[str, Any] = {"paths": {}, "components": {"schemas": {}}}
        for name, app in self.apps.items():
            renamed = json.dumps(app.openapi()).replace("#/components/schemas/", f"#/components/schemas/{name}.")
            document = json.loads(renamed)
            merged["openapi"] = document["openapi"]
            merged["paths"].update(document["paths"])
            components = document["components"]
            merged["components"]["schemas"].update(
                {f"{name}.{schema}": content for schema, content in components.pop("schemas").items()}
            )
            merged["components"].update(components)
        return {"info": {"title": "Holdfast", "version": "1"}, **merged}
