"""Serving an application in this process: the event loop, the port, and the file by which other commands find it."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import typer
import uvicorn
from starlette.types import ASGIApp

from shared.settings import Settings

T = TypeVar("T")


def require_free_port(host: str, port: int) -> None:
    """Before anything is promised. Raises `typer.BadParameter`."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise typer.BadParameter(f"port {port} is taken; give another one", param_hint="--port") from None


@contextlib.contextmanager
def open_address_file(settings: Settings, address: str) -> Iterator[None]:
    """While the block runs, other commands on the same data folder find the running system by this file."""
    path = settings.data_dir / "address"
    path.write_text(address)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def run_on_server_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs on the event loop that uvicorn itself would choose: uvloop where there is one.

    What is loaded by now stays, and what a message or a page of rows needs is gone soon after: looking for cycles among
    all of it after every 700 objects cost a third of the time of an import.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        return runner.run(main)


async def serve_app(app: ASGIApp, host: str, port: int) -> None:
    """Serves until the process is told to end."""
    config = uvicorn.Config(
        app, host=host, port=port, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=10
    )
    # uvicorn ends by raising the signal again; as an exit it lets everything close, the embedded database too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    await uvicorn.Server(config).serve()
