"""Between clients and a broker: forwards all, or gives every fetch an empty answer, so that a client gets nothing."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.support.kafka.broker import Broker

FETCH = 1
VERSIONS = range(7, 12)  # of Fetch; those whose answer begins with throttle time, error, session and topics
LONG_POLL = 0.2  # seconds that a broker that has nothing takes to say so


@dataclass
class Proxy:
    """At `port`, which the broker must advertise. While it is `withholding`, whoever fetches is given nothing."""

    broker: Broker
    port: int
    withholding: bool = False

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection: a request, its answer, the next request."""
        broker, to_broker = await asyncio.open_connection("127.0.0.1", self.broker.port)
        try:
            while True:
                request = await _frame(client)
                to_broker.write(request)
                answer = await _frame(broker)
                kind, version, correlation = struct.unpack_from(">hhi", request, 4)
                if kind == FETCH and self.withholding:
                    assert version in VERSIONS
                    await asyncio.sleep(LONG_POLL)
                    answer = struct.pack(">iiihii", 18, correlation, 0, 0, 0, 0)
                to_client.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # one of the two has gone, and the other is told so
        finally:
            to_broker.close()
            to_client.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One request or answer with the length before it."""
    head = await reader.readexactly(4)
    return head + await reader.readexactly(*struct.unpack(">i", head))


@contextlib.asynccontextmanager
async def proxied(broker: Broker, port: int) -> AsyncIterator[Proxy]:
    """A proxy on `port` before the broker."""
    proxy = Proxy(broker, port)
    connections: set[asyncio.Task[None]] = set()

    def connected(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(proxy.serve(client, to_client)))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        ended = await asyncio.gather(*connections, return_exceptions=True)
        faults = [fault for fault in ended if isinstance(fault, Exception)]
        assert not faults, faults
